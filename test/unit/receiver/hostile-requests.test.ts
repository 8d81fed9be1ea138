/** Requests made to harm: a clear answer, and bounded memory. */
import { expect, test } from "bun:test";
import { createLabelRules, DEFAULT_LABELS } from "../../../schema/dcgm/label-rules.ts";
import { KnownSeriesCache } from "../../../services/receiver/series/known-series.ts";
import { residentMiB } from "../../support/process/resident.ts";
import { startReceiver, V1, V2 } from "../../support/receiver/receiver.ts";
import { GPU, gpuLabels, requestV2, TEMP, writeRequest } from "../../support/receiver/write-requests.ts";
import { seeded } from "../../support/time/seeded.ts";

const AT = Date.UTC(2026, 6, 18, 20, 42, 34);

test("random changes of requests are answered 204 or 400, and never 5xx", async () => {
  const random = seeded("hostile requests");
  const { send } = startReceiver();
  for (const [type, encode] of [
    [V1, writeRequest],
    [V2, requestV2],
  ] as const) {
    const request = encode([
      { labels: gpuLabels(), samples: [{ at: AT, value: 41 }] },
      { labels: gpuLabels("DCGM_FI_DEV_GPU_UTIL"), samples: [{ at: AT, value: 97 }], histograms: 1, exemplars: 1 },
    ]);
    for (let round = 0; round < 2000; round++) {
      const damaged = Uint8Array.from(request);
      for (let change = 0; change < 1 + 4 * random(); change++) {
        damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
      }
      const { status } = await send(damaged.subarray(0, Math.ceil(random() * damaged.length)), { type });
      expect([204, 400]).toContain(status);
    }
  }
});

test("what is remembered of series is bounded", async () => {
  const cache = new KnownSeriesCache({
    rules: createLabelRules(DEFAULT_LABELS),
    names: null,
    target: { ignored: () => undefined },
  });
  const before = await residentMiB(process.pid);
  const pad = "x".repeat(200);
  for (let index = 0; index < 500_000; index++) {
    const labels = [
      ["__name__", TEMP],
      ["UUID", GPU],
      ["tenant", `${pad}${index}`],
    ] as const;
    cache.get(
      TEMP,
      () => labels.join(),
      () => labels,
    );
  }
  expect(cache.size).toBeLessThanOrEqual(200_000);
  expect((await residentMiB(process.pid)) - before).toBeLessThan(600);
});

test("100,000 new series in one request are recorded, and others are answered meanwhile", async () => {
  const { send, batches } = startReceiver();
  const hex = (index: number) => index.toString(16).padStart(12, "0");
  const series = Array.from({ length: 100_000 }, (_, index) => ({
    labels: {
      __name__: `DCGM_FI_DEV_NEW_${Math.floor(index / 1000)}`,
      UUID: `GPU-5f000001-7a1c-4b2d-9e3f-${hex(index % 1000)}`,
      instance: "a:9400",
    },
    samples: [{ at: AT, value: 41 }],
  }));
  const order: string[] = [];
  const many = send(writeRequest(series)).then(({ status }) => order.push(`many ${status}`));
  const few = send(writeRequest(series.slice(0, 1))).then(({ status }) => order.push(`few ${status}`));
  await Promise.all([many, few]);
  expect(order).toEqual(["few 204", "many 204"]);
  expect(batches().reduce((sum, { readings }) => sum + readings, 0)).toBe(100_001);
});

test("a table of more symbols than any request needs is 400", async () => {
  const { send } = startReceiver();
  const symbols = new Uint8Array(2_200_000);
  for (let at = 0; at < symbols.length; at += 2) symbols[at] = 0x22;
  expect((await send(symbols, { type: V2 })).status).toBe(400);
});
