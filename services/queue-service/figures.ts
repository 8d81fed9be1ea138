/**
 * Reports the queue's figures as metrics, read at each scrape. Every replica reports the same figures, so never add the
 * replicas up.
 */
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import { QUEUE_COUNTERS, type QueueStats } from "../queue/port.ts";
import { COUNTER_TEXTS } from "./counters.ts";

type Gauge = Exclude<keyof QueueStats, "counters">;

const GAUGES: Readonly<Record<Gauge, { name: string; help: string; per?: number }>> = {
  ready: { name: "queue_depth", help: "Batches that are ready to be claimed." },
  leased: { name: "queue_inflight", help: "Batches that are leased to a consumer." },
  delayed: { name: "queue_delayed", help: "Batches that failed and wait for their next attempt." },
  dead: { name: "queue_dlq_depth", help: "Dead letters." },
  bytes: { name: "queue_bytes", help: "Bytes of ready, leased and delayed batches." },
  oldestAgeMs: { name: "queue_oldest_age_seconds", help: "Age of the oldest ready batch.", per: 1000 },
  orphans: { name: "queue_orphans", help: "Batches that will never be delivered; more than 0 is a defect." },
};

/** Adds the queue's figures to the metrics. While the queue is unavailable, the metrics keep its last figures. */
export function withQueueFigures(
  metrics: Metrics,
  { stats, log }: { stats: () => Promise<QueueStats>; log: Logger },
): Metrics {
  const up = metrics.gauge({
    name: "queue_up",
    help: "1 if the queue answered at this scrape; 0 if its figures are old.",
  });
  const gauges = Object.entries(GAUGES).map(([figure, { name, help, per = 1 }]) => {
    const gauge = metrics.gauge({ name, help });
    return (figures: QueueStats) => gauge.set(figures[figure as Gauge] / per);
  });
  const counters = QUEUE_COUNTERS.map((name) => {
    const counter = metrics.counter({ name: `queue_${name}_total`, help: COUNTER_TEXTS[name] });
    return (figures: QueueStats) => {
      counter.reset();
      counter.inc(figures.counters[name]);
    };
  });
  return {
    ...metrics,
    async render() {
      try {
        const figures = await stats();
        for (const set of [...gauges, ...counters]) set(figures);
        up.set(1);
      } catch (error) {
        log.debug("queue figures not read", { error });
        up.set(0);
      }
      return metrics.render();
    },
  };
}
