/** Prometheus metrics of one process. All names begin with `gpu_telemetry_`. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

const PREFIX = "gpu_telemetry_";

/** The first line of every scrape: readers who look for the temperature of a GPU here find none. */
const PREAMBLE =
  "# These metrics measure the pipeline itself (queue, store, API). Metrics of GPUs are served by the API: " +
  "/api/v1/telemetry, /api/v1/gpus/{uuid}/telemetry and /graphql.\n";

/** Histogram buckets for response times, in seconds. */
export const ANSWER_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 5, 30];

interface Declaration<Label extends string> {
  /** snake_case without the prefix; ends in the unit, or in `_total` for a counter. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Label[];
}

export interface Metrics {
  counter<Label extends string = never>(declaration: Declaration<Label>): Counter<Label>;
  /** If `read` is given, each scrape calls it. */
  gauge<Label extends string = never>(declaration: Declaration<Label>, read?: () => number): Gauge<Label>;
  histogram<Label extends string = never>(
    declaration: Declaration<Label> & { buckets: readonly number[] },
  ): Histogram<Label>;
  /** Prometheus text format. Begins with a comment that says what is measured. */
  render(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const common = <Label extends string>({ name, help, labels = [] }: Declaration<Label>) => ({
    name: PREFIX + name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  const metrics: Metrics = {
    counter: (declaration) => new Counter(common(declaration)),
    gauge: (declaration, read) =>
      new Gauge({
        ...common(declaration),
        ...(read === undefined
          ? {}
          : {
              collect() {
                this.set(read());
              },
            }),
      }),
    histogram: (declaration) => new Histogram({ ...common(declaration), buckets: [...declaration.buckets] }),
    render: async () => PREAMBLE + (await registry.metrics()),
    contentType: registry.contentType,
  };
  metrics.gauge({ name: "process_resident_memory_bytes", help: "Resident memory of this process." }, () =>
    process.memoryUsage.rss(),
  );
  const startedAt = Date.now() / 1000;
  metrics.gauge(
    { name: "process_start_time_seconds", help: "When this process started, in seconds since the epoch." },
    () => startedAt,
  );
  return metrics;
}
