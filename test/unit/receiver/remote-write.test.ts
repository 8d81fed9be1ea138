/** Remote write over HTTP, 1.0 and 2.0: what is stored, and what the sender is told. */
import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { startReceiver, V1, V2 } from "../../support/receiver/receiver.ts";
import {
  GPU,
  gpuLabels,
  requestV2,
  type SentSeries,
  STALE,
  snappyLiterals,
  TEMP,
  writeRequest,
} from "../../support/receiver/write-requests.ts";

const AT = Date.UTC(2026, 6, 18, 20, 42, 34);
const UTIL = "DCGM_FI_DEV_GPU_UTIL";
const one = (value: number | Uint8Array, at = AT, labels = gpuLabels()): SentSeries => ({
  labels,
  samples: [{ at, value }],
});

/** Differs from a stale marker in its lower half alone. */
const SIGNALLING = Uint8Array.of(1, 0, 0, 0, 0, 0, 0xf0, 0x7f);

const VERSIONS = [
  { name: "1.0", type: V1, encode: writeRequest },
  { name: "2.0", type: V2, encode: requestV2 },
] as const;

const written = ({ headers }: Response) =>
  ["samples", "histograms", "exemplars"].map((kind) => headers.get(`x-prometheus-remote-write-${kind}-written`));

for (const { name, type, encode } of VERSIONS) {
  const isV2 = name === "2.0";

  test(`${name}: readings are recorded under their GPU, at their time`, async () => {
    const { send, readings, batches } = startReceiver();
    const series = { labels: gpuLabels(UTIL), samples: [AT, AT + 15_000].map((at) => ({ at, value: 97 })) };
    const response = await send(encode([one(41), series]), { type });
    expect(response.status).toBe(204);
    expect(written(response)).toEqual(isV2 ? ["3", "0", "0"] : [null, null, null]);
    expect(readings()).toEqual([
      [`${GPU} ${TEMP} ${AT}`, 41],
      [`${GPU} ${UTIL} ${AT}`, 97],
      [`${GPU} ${UTIL} ${AT + 15_000}`, 97],
    ]);
    expect(batches()[0]?.sightings[0]?.facts).toMatchObject({ uuid: GPU, host: "node-1", model: "NVIDIA H100" });
  });

  test(`${name}: a stale marker becomes a mark, another NaN nothing`, async () => {
    const { send, readings, marks } = startReceiver();
    const response = await send(
      encode([one(41), one(STALE, AT + 15_000), one(Number.NaN, AT + 30_000), one(SIGNALLING, AT + 45_000)]),
      { type },
    );
    expect(response.status).toBe(204);
    expect([readings().length, marks()]).toEqual([1, 1]);
    if (isV2) expect(written(response)[0]).toBe("2");
  });

  test(`${name}: metrics that are not of GPUs are left out, counted, and called written`, async () => {
    const { send, recorded, metrics } = startReceiver();
    const node = { labels: { __name__: "node_load1", instance: "a:9100" }, samples: [{ at: AT, value: 1 }] };
    const response = await send(encode([node, { ...node, histograms: 1, exemplars: 2 }]), { type });
    expect(response.status).toBe(204);
    if (isV2) expect(written(response)).toEqual(["2", "1", "2"]);
    expect(recorded).toEqual([]);
    expect(await metrics()).toContain('gpu_telemetry_receiver_samples_skipped_total{reason="name"} 5');
  });

  test(`${name}: a series without a name, with an empty or a repeated label is 400, the rest is written`, async () => {
    const { send, readings } = startReceiver();
    for (const labels of [
      [["job", "a"]],
      [],
      [
        ["__name__", TEMP],
        ["", "x"],
      ],
      [
        ["__name__", TEMP],
        ["UUID", GPU],
        ["UUID", GPU],
      ],
    ] as const) {
      const response = await send(encode([{ labels, samples: [{ at: AT, value: 1 }] }, one(41)]), { type });
      expect(response.status).toBe(400);
      if (isV2) expect(written(response)).toEqual(["1", "0", "0"]);
    }
    expect(readings()).toEqual([[`${GPU} ${TEMP} ${AT}`, 41]]);
  });

  test(`${name}: samples without a reading are counted by reason`, async () => {
    const { send, recorded, metrics } = startReceiver();
    const wide = Object.fromEntries(Array.from({ length: 31 }, (_, index) => [`l${index}`, "x"]));
    const request = encode([
      one(1e18 * 9.3),
      one(9000),
      one(41, Date.UTC(1999)),
      one(41, AT + 10 * 365 * 86_400_000),
      one(Number.POSITIVE_INFINITY),
      one(41, AT, { __name__: TEMP, UUID: "no uuid", instance: "a:9400", gpu: "0" }),
      one(41, AT, gpuLabels(TEMP, wide)),
      one(41, AT, gpuLabels(TEMP, { text: "x".repeat(257) })),
      { labels: gpuLabels(), histograms: 1, exemplars: 1 },
    ]);
    expect((await send(request, { type })).status).toBe(204);
    expect(recorded).toEqual([]);
    const text = await metrics();
    for (const [reason, count] of Object.entries({
      blank: 1,
      implausible: 1,
      time: 2,
      not_finite: 1,
      uuid: 1,
      labels: 2,
      histogram: 1,
      exemplar: 1,
    })) {
      expect(text).toContain(`gpu_telemetry_receiver_samples_skipped_total{reason="${reason}"} ${count}`);
    }
  });

  test(`${name}: RECEIVE_METRICS says which metrics are taken`, async () => {
    const { send, readings } = startReceiver({ env: { RECEIVE_METRICS: "nvidia_*_celsius,other" } });
    const names = ["nvidia_smi_temperature_celsius", "nvidia_smi_power", TEMP];
    const response = await send(encode(names.map((metric) => one(41, AT, gpuLabels(metric)))), { type });
    expect(response.status).toBe(204);
    expect(readings()).toEqual([[`${GPU} nvidia_smi_temperature_celsius ${AT}`, 41]]);
  });

  test(`${name}: the same request gives the same bytes of readings`, async () => {
    const { send, batches } = startReceiver();
    await send(encode([one(12, AT, gpuLabels(UTIL, { Hostname: "node-9", UUID: GPU.replace("f1", "f2") }))]), { type });
    const request = encode([one(41), one(42, AT + 15_000), one(97, AT, gpuLabels(UTIL))]);
    for (let time = 0; time < 2; time++) await send(request, { type });
    const [, first, second] = batches();
    expect(second?.blocks).toEqual(first?.blocks ?? []);
  });

  test(`${name}: a request without series is answered, and nothing is recorded`, async () => {
    const { send, recorded } = startReceiver();
    const response = await send(encode([]), { type });
    expect([response.status, recorded.length]).toEqual([204, 0]);
  });

  test(`${name}: damaged messages are 400, and nothing of them is recorded`, async () => {
    const { send, recorded } = startReceiver();
    const request = encode([one(41), one(97, AT, gpuLabels(UTIL))]);
    for (const damage of [
      request.subarray(0, -3),
      Uint8Array.of(...request, 0xff),
      Uint8Array.of(0x0a, 0x7f),
      Uint8Array.of(0x2a, 0x7f),
    ]) {
      const response = await send(damage, { type });
      expect(response.status).toBe(400);
      if (isV2) expect(written(response)).toEqual(["0", "0", "0"]);
    }
    expect(recorded).toEqual([]);
  });

  test(`${name}: no answer is 2xx before the batches are safe, and no room is 503 with Retry-After`, async () => {
    const { send } = startReceiver({
      onRecord: () => Promise.reject(new AppError("full", { code: "unavailable", retryAfterMs: 5000 })),
    });
    const response = await send(encode([one(41)]), { type });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
    if (isV2) expect(written(response)).toEqual(["0", "0", "0"]);
  });
}

test("labels in another order, and series whose parts are scattered, mean the same", async () => {
  const { send, readings } = startReceiver();
  const reversed = Object.entries(gpuLabels()).reverse();
  await send(writeRequest([{ labels: reversed, samples: [{ at: AT, value: 41 }] }]));
  expect(readings()).toEqual([[`${GPU} ${TEMP} ${AT}`, 41]]);
});

test("references of 2.0 to symbols that are not there are 400", async () => {
  const { send } = startReceiver();
  const series = Uint8Array.of(0x2a, 4, 0x0a, 2, 7, 9);
  expect((await send(series, { type: V2 })).status).toBe(400);
  expect((await send(Uint8Array.of(0x2a, 3, 0x0a, 1, 0), { type: V2 })).status).toBe(400);
});

test("types and encodings that are not those of remote write are 415", async () => {
  const { send } = startReceiver();
  const request = writeRequest([one(41)]);
  for (const type of ["application/json", "image/png", `${V1};proto=io.prometheus.write.v3.Request`]) {
    expect((await send(request, { type })).status).toBe(415);
  }
  for (const encoding of ["gzip", "deflate"]) {
    expect((await send(request, { "content-encoding": encoding })).status).toBe(415);
  }
  expect((await send(request, { type: `${V1}; proto=prometheus.WriteRequest` })).status).toBe(204);
  expect((await send(request, { path: "/prometheus/api/v1/write" })).status).toBe(204);
});

test("bodies that are too large, compressed or not, are 413, and another method is 405", async () => {
  const { receiver } = startReceiver();
  const post = (body: Uint8Array<ArrayBuffer>) =>
    receiver.fetch(
      new Request("http://127.0.0.1/api/v1/write", { method: "POST", headers: { "content-type": V1 }, body }),
    );
  expect((await post(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0))).status).toBe(413);
  expect((await post(new Uint8Array(16 * 1024 * 1024 + 1))).status).toBe(413);
  expect((await post(snappyLiterals(new Uint8Array(0)))).status).toBe(204);
  expect((await receiver.fetch(new Request("http://127.0.0.1/api/v1/write"))).status).toBe(405);
});

test("RECEIVER_TOKEN is taken as bearer, and as the password of any user", async () => {
  const { send } = startReceiver({ env: { RECEIVER_TOKEN: "s3:cret" }, host: "0.0.0.0" });
  const request = writeRequest([one(41)]);
  const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
  for (const authorization of ["Bearer s3:cret", basic("prometheus:s3:cret"), basic(":s3:cret")]) {
    expect((await send(request, { authorization })).status).toBe(204);
  }
  for (const authorization of ["Bearer other", basic("s3:cret:"), basic("s3"), "Basic", ""]) {
    expect((await send(request, { authorization })).status).toBe(401);
  }
});

test("without a token, only programs on this machine may send, and no web page", async () => {
  const request = writeRequest([one(41)]);
  expect((await startReceiver({ host: "0.0.0.0" }).send(request)).status).toBe(403);
  const { send } = startReceiver();
  expect((await send(request)).status).toBe(204);
  expect((await send(request, { origin: "http://evil.example" })).status).toBe(403);
});
