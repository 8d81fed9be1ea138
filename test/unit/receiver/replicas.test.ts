/** Two Prometheus replicas that scrape the same exporters. */
import { expect, test } from "bun:test";
import { keptLog } from "../../support/process/kept-log.ts";
import { startReceiver } from "../../support/receiver/receiver.ts";
import { GPU, gpuLabels, type SentSeries, TEMP, writeRequest } from "../../support/receiver/write-requests.ts";

const AT = Date.UTC(2026, 6, 18, 20, 42, 34);
const from = (labels: Readonly<Record<string, string>>, value: number, at = AT): SentSeries[] => [
  { labels: gpuLabels(TEMP, labels), samples: [{ at, value }] },
];

/** A receiver whose clock the test moves. */
function pair(env: Readonly<Record<string, string>> = {}) {
  let elapsedMs = 0;
  const { log, lines } = keptLog();
  const started = startReceiver({ env, log, clock: { now: () => AT + elapsedMs, monotonic: () => elapsedMs } });
  return {
    ...started,
    lines,
    pass: (ms: number) => {
      elapsedMs += ms;
    },
    values: () => started.readings().map(([, value]) => value),
  };
}

for (const label of ["__replica__", "prometheus_replica"]) {
  test(`one replica of a cluster is elected by ${label}, and the samples of others are left out`, async () => {
    const { send, values, metrics } = pair();
    const a = { cluster: "one", [label]: "a" };
    const b = { cluster: "one", [label]: "b" };
    expect((await send(writeRequest(from(a, 41)))).status).toBe(204);
    expect((await send(writeRequest(from(b, 99, AT + 1000)))).status).toBe(204);
    expect((await send(writeRequest(from({ ...b, cluster: "two", UUID: GPU.replace("f1", "f2") }, 50)))).status).toBe(
      204,
    );
    expect(values()).toEqual([41, 50]);
    expect(await metrics()).toContain('gpu_telemetry_receiver_samples_skipped_total{reason="replica"} 1');
  });
}

test("another replica takes over once the elected one was silent for longer than HA_FAILOVER", async () => {
  const { send, values, pass, metrics, lines } = pair({ HA_FAILOVER: "10s" });
  const a = { cluster: "one", __replica__: "a" };
  const b = { cluster: "one", __replica__: "b" };
  await send(writeRequest(from(a, 1)));
  pass(10_000);
  await send(writeRequest(from(b, 2, AT + 10_000)));
  pass(1);
  await send(writeRequest(from(b, 3, AT + 10_001)));
  await send(writeRequest(from(a, 4, AT + 10_002)));
  expect(values()).toEqual([1, 3]);
  expect(await metrics()).toContain("gpu_telemetry_receiver_failovers_total 1");
  expect(lines.find(({ message }) => message === "another replica is elected")?.fields).toEqual({
    group: "one",
    replica: "b",
    previous: "a",
    silentMs: 10_001,
  });
});

test("each sample of the elected replica puts the failover off", async () => {
  const { send, values, pass } = pair({ HA_FAILOVER: "10s" });
  const a = { cluster: "one", __replica__: "a" };
  await send(writeRequest(from(a, 1)));
  pass(9000);
  await send(writeRequest(from(a, 2, AT + 9000)));
  pass(9000);
  await send(writeRequest(from({ ...a, __replica__: "b" }, 3, AT + 18_000)));
  expect(values()).toEqual([1, 2]);
});

test("servers of prometheus-operator are a group by their label prometheus", async () => {
  const { send, values } = pair();
  for (const prometheus_replica of ["prometheus-k8s-0", "prometheus-k8s-1"]) {
    await send(writeRequest(from({ prometheus: "monitoring/k8s", prometheus_replica }, 41)));
  }
  await send(writeRequest(from({ prometheus: "team/other", prometheus_replica: "prometheus-other-0" }, 42, AT + 1)));
  expect(values()).toEqual([41, 42]);
});

test("without labels of replica and group, both servers are kept as readings of their own times", async () => {
  const { send, values } = pair();
  await send(writeRequest(from({}, 41)));
  await send(writeRequest(from({}, 42, AT + 7000)));
  await send(writeRequest(from({ prometheus_replica: "a" }, 43, AT + 15_000)));
  await send(writeRequest(from({ prometheus_replica: "b" }, 44, AT + 22_000)));
  expect(values()).toEqual([41, 42, 43, 44]);
});
