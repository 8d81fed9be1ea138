/** What the store has after remote write: the same for requests in any order, and for requests sent again. */
import { expect, test } from "bun:test";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { startReceiver } from "../../support/receiver/receiver.ts";
import { gpuLabels, type SentSeries, STALE, TEMP, writeRequest } from "../../support/receiver/write-requests.ts";
import { heldIn } from "../../support/repository/held-in.ts";
import { openStore } from "../../support/repository/sqlite-store.ts";
import { type Random, seeded } from "../../support/time/seeded.ts";

const START = Date.UTC(2026, 6, 18, 20, 50, 0);
const GPUS = [1, 2].map((number) => `GPU-5f000001-7a1c-4b2d-9e3f-00000000000${number}` as GpuUuid);
const METRICS = [TEMP, "DCGM_FI_DEV_GPU_UTIL"];

/** Requests of consecutive times, over a full hour, with holders that change and series that end. */
function requestsOf(random: Random): Uint8Array[] {
  return Array.from({ length: 30 }, (_, tick) => {
    const at = START + tick * 30_000;
    const series = GPUS.flatMap((UUID, gpu) =>
      METRICS.map((metric): SentSeries => {
        const pod = tick < 10 + 5 * gpu ? { pod: "train-a", namespace: "team" } : { pod: "", namespace: "" };
        const value = random() < 0.1 ? STALE : Math.floor(random() * 80);
        return { labels: gpuLabels(metric, { UUID, gpu: String(gpu), ...pod }), samples: [{ at, value }] };
      }),
    );
    return writeRequest(series);
  });
}

/** Sends each request as a call of its own, and returns everything that the store then says. */
async function stored(requests: readonly Uint8Array[]) {
  const { send, batches } = startReceiver();
  await using repository = await openStore(":memory:");
  let saved = 0;
  for (const request of requests) {
    expect((await send(request)).status).toBe(204);
    await repository.save(batches().slice(saved));
    saved = batches().length;
  }
  return await Promise.all(
    GPUS.map(async (gpu) => ({
      readings: (await repository.readings(gpu, ALL_TIME, { limit: 10_000 })).readings,
      held: await heldIn(repository, gpu, ALL_TIME),
    })),
  );
}

test("requests in any order, and sent again, give the same readings and holders", async () => {
  const random = seeded("stored requests");
  const requests = requestsOf(random);
  const expected = await stored(requests);
  expect(expected[0]?.readings.length).toBeGreaterThan(40);
  for (let round = 0; round < 5; round++) {
    const again = requests.filter(() => random() < 0.3);
    const shuffled = [...requests, ...again]
      .map((request) => ({ request, place: random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ request }) => request);
    expect(await stored(shuffled)).toEqual(expected);
  }
});
