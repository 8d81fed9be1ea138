/** The receiver's figures as Prometheus metrics. */
import type { Metrics } from "../platform/process/metrics.ts";
import type { Intake } from "./series/intake.ts";

export interface ReceiverMeter {
  /** @param protocol one of a few */
  answered(protocol: string, status: number): void;
  /** Counts a request whose batches are safe. */
  recorded(intake: Pick<Intake, "readings" | "skips" | "invalid">): void;
  elected(): void;
}

export function createReceiverMeter(metrics: Metrics, knownSeries: () => number): ReceiverMeter {
  const requests = metrics.counter({
    name: "receiver_requests_total",
    help: "Requests with metrics, by protocol and status of the answer.",
    labels: ["protocol", "status"],
  });
  const readings = metrics.counter({
    name: "receiver_readings_total",
    help: "Readings and stale marks that are on disk.",
  });
  const skipped = metrics.counter({
    name: "receiver_samples_skipped_total",
    help: "Samples of answered requests that gave no reading, by reason.",
    labels: ["reason"],
  });
  const elections = metrics.counter({
    name: "receiver_failovers_total",
    help: "Replicas that took over from another one of their group.",
  });
  metrics.gauge({ name: "receiver_known_series", help: "Series whose labels are remembered." }, knownSeries);
  return {
    answered: (protocol, status) => requests.inc({ protocol, status: String(status) }),
    recorded(intake) {
      readings.inc(intake.readings);
      for (const [reason, { count }] of intake.skips) skipped.inc({ reason }, count);
      if (intake.invalid > 0) skipped.inc({ reason: "invalid" }, intake.invalid);
    },
    elected: () => elections.inc(),
  };
}
