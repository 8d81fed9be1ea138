/**
 * The checks of prometheus/compliance's suite for receivers of remote write 2.0, written anew: status and written
 * counts for samples, histograms and exemplars of any metric. Left out: the counts inside a native histogram, which is
 * no reading.
 */
import { expect, test } from "bun:test";
import { startReceiver, V1, V2 } from "../../support/receiver/receiver.ts";
import { requestV2, type SentSeries, STALE, writeRequest } from "../../support/receiver/write-requests.ts";

const AT = Date.UTC(2026, 6, 18, 20, 42, 34);
const VALUES = {
  "1.0": 1,
  StaleNaN: STALE,
  NaN: Number.NaN,
  Inf: Number.POSITIVE_INFINITY,
  "-Inf": Number.NEGATIVE_INFINITY,
} as const;
const INSTANCE = { job: "testjob", instance: "localhost:9090" };
const UP = { __name__: "up", ...INSTANCE };

interface Case {
  readonly series: readonly Omit<SentSeries, "samples">[];
  readonly status: number;
  /** Samples, histograms and exemplars. */
  readonly written: readonly [number, number, number];
  /** False: the series have no samples. */
  readonly hasSamples?: boolean;
}

const CASES: Readonly<Record<string, Case>> = {
  "a simple metric": { series: [{ labels: { __name__: "up" } }], status: 204, written: [1, 0, 0] },
  "several labels": { series: [{ labels: UP }], status: 204, written: [1, 0, 0] },
  newlines: { series: [{ labels: { ...UP, job: "test\njob\n" } }], status: 204, written: [1, 0, 0] },
  dots: { series: [{ labels: { __name__: "resource.cpu.usage", "job.name": "a" } }], status: 204, written: [1, 0, 0] },
  spaces: {
    series: [{ labels: { __name__: "resource cpu usage", "job name": "a" } }],
    status: 204,
    written: [1, 0, 0],
  },
  "no name": { series: [{ labels: INSTANCE }], status: 400, written: [0, 0, 0] },
  "no labels": { series: [{ labels: {} }], status: 400, written: [0, 0, 0] },
  "several metrics": { series: Array.from({ length: 4 }, () => ({ labels: UP })), status: 204, written: [4, 0, 0] },
  "several metrics without names": {
    series: [{ labels: INSTANCE }, { labels: INSTANCE }],
    status: 400,
    written: [0, 0, 0],
  },
  "several metrics, one without a name": {
    series: [{ labels: INSTANCE }, { labels: UP }, { labels: UP }, { labels: UP }],
    status: 400,
    written: [3, 0, 0],
  },
  exemplars: { series: [{ labels: UP, exemplars: 3 }], status: 204, written: [1, 0, 3] },
  "a native histogram": { series: [{ labels: UP, histograms: 1 }], status: 204, written: [0, 1, 0], hasSamples: false },
  "a native histogram without a name": {
    series: [{ labels: INSTANCE, histograms: 1 }],
    status: 400,
    written: [0, 0, 0],
    hasSamples: false,
  },
  "metadata alone": { series: [], status: 204, written: [0, 0, 0] },
};

for (const [name, { series, status, written, hasSamples = true }] of Object.entries(CASES)) {
  for (const [shown, value] of Object.entries(VALUES)) {
    test(`2.0 with ${name}, value ${shown}: ${status}, written ${written}`, async () => {
      const { send } = startReceiver();
      const samples = hasSamples ? [{ at: AT, value }] : [];
      const response = await send(requestV2(series.map((one) => ({ ...one, samples }))), { type: V2 });
      expect(response.status).toBe(status);
      const counts = ["samples", "histograms", "exemplars"].map((kind) =>
        Number(response.headers.get(`x-prometheus-remote-write-${kind}-written`)),
      );
      expect(counts).toEqual([...written]);
    });
  }
}

test("1.0 is taken beside 2.0, and its answers have no written counts", async () => {
  const { send } = startReceiver();
  const response = await send(writeRequest([{ labels: UP, samples: [{ at: AT, value: 1 }] }]), { type: V1 });
  expect(response.status).toBe(204);
  expect(response.headers.has("x-prometheus-remote-write-samples-written")).toBe(false);
});
