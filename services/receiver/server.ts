/** The receiver as a service: remote write, probes and metrics on one address, with the queue behind it. */
import { randomUUID } from "node:crypto";
import { createLabelRules } from "../../schema/dcgm/label-rules.ts";
import { createProbes, healthOf, PROBE_PATHS, STOPPING } from "../platform/http/health.ts";
import { createInternalGuard } from "../platform/http/internal-guard.ts";
import { problemOf } from "../platform/http/problem.ts";
import { measureRequests } from "../platform/http/requests.ts";
import { serveUntil } from "../platform/http/serve.ts";
import { Availability } from "../platform/process/availability.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import type { ProducerQueue, Queue } from "../queue/port.ts";
import type { ReceiverProcessConfig } from "./config.ts";
import { QueueRecorder } from "./record/queue-recorder.ts";
import { createReceiver } from "./service.ts";

export interface ReceiverServerParts {
  readonly queue: ProducerQueue & Pick<Queue, "stats">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
}

/**
 * Serves until the signal aborts, then finishes the requests in flight. Resolves to the exit code.
 * @throws AppError `unavailable` when the address is taken
 */
export async function runReceiverServer(
  { receiver: config, labels, listen }: ReceiverProcessConfig,
  { queue, clock, log, metrics, signal }: ReceiverServerParts,
): Promise<number> {
  const { port, host } = listen;
  const recorder = new QueueRecorder({
    queue,
    // Replicas share nothing. The queue forgets a producer some weeks after its last batch.
    producer: `receive/${randomUUID()}@0/1`,
    availability: new Availability("queue", { clock, log }),
  });
  const receiver = createReceiver({ config, host, rules: createLabelRules(labels), recorder, clock, log, metrics });
  const probes = createProbes({
    metrics,
    health: async () => (signal.aborted ? STOPPING : healthOf({ queue: () => queue.stats() })),
    guard: createInternalGuard({ token: null, host }),
  });
  const routeOf = (pathname: string) =>
    receiver.handles(pathname) || PROBE_PATHS.has(pathname) || pathname === "/metrics" ? pathname : "other";
  const fetch = measureRequests({ log, metrics, routeOf }, async (request, { pathname }) => {
    if (receiver.handles(pathname)) return receiver.fetch(request);
    return (await probes(request)) ?? problemOf("not_found", `Nothing is at ${pathname}`);
  });
  await serveUntil(signal, { port, hostname: host, fetch }, log);
  return 0;
}
