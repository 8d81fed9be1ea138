/** Warnings and infos about a query, in Prometheus' words. */
import type { Span } from "./parse/ast.ts";
import { positionOf } from "./parse/syntax-error.ts";

/** Different ones that are kept of each kind: a selection may have a remark for each of many metrics. */
const MAX_KEPT = 100;

/** Buckets of one histogram whose counts had to be raised to be monotonic. */
interface Monotonicity {
  readonly at: number;
  readonly least: number;
  readonly most: number;
  readonly difference: number;
}

const METRIC = (name: string): string => (name === "" ? "" : ` for metric name "${name}"`);

/** A number as Go's `%g` writes it. */
function general(value: number, digits?: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  if (digits !== undefined) return String(Number(value.toPrecision(digits)));
  return String(value);
}

const rfc3339 = (ms: number): string => new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");

export class Remarks {
  readonly #text: string;
  readonly #warnings = new Set<string>();
  readonly #infos = new Set<string>();
  readonly #monotonicity = new Map<string, Monotonicity & { position: string; until: number; samples: number }>();
  #omittedWarnings = 0;
  #omittedInfos = 0;

  /** @param text the query, for positions */
  constructor(text: string) {
    this.#text = text;
  }

  /** `PromQL warning: quantile value should be between 0 and 1, got 2 (1:5)` */
  warn(message: string, span: Span): void {
    const full = `PromQL warning: ${message} (${positionOf(this.#text, span.from)})`;
    if (this.#warnings.has(full)) return;
    if (this.#warnings.size < MAX_KEPT) this.#warnings.add(full);
    else this.#omittedWarnings++;
  }

  info(message: string, span: Span): void {
    const full = `PromQL info: ${message} (${positionOf(this.#text, span.from)})`;
    if (this.#infos.has(full)) return;
    if (this.#infos.size < MAX_KEPT) this.#infos.add(full);
    else this.#omittedInfos++;
  }

  badQuantile(quantile: number, span: Span): void {
    this.warn(`quantile value should be between 0 and 1, got ${general(quantile)}`, span);
  }

  badBucket(metric: string, label: string, span: Span): void {
    this.warn(
      `bucket label "le" is missing or has a malformed value of ${JSON.stringify(label)}${METRIC(metric)}`,
      span,
    );
  }

  /** Samples of one metric become one info. */
  forcedMonotonicity(metric: string, span: Span, found: Monotonicity): void {
    const position = positionOf(this.#text, span.from);
    const key = `${metric} ${position}`;
    const known = this.#monotonicity.get(key);
    if (known === undefined) {
      if (this.#monotonicity.size < MAX_KEPT) {
        this.#monotonicity.set(key, { ...found, position, until: found.at, samples: 1 });
      } else this.#omittedInfos++;
      return;
    }
    this.#monotonicity.set(key, {
      position,
      at: Math.min(known.at, found.at),
      until: Math.max(known.until, found.at),
      least: Math.min(known.least, found.least),
      most: Math.max(known.most, found.most),
      difference: Math.max(known.difference, found.difference),
      samples: known.samples + 1,
    });
  }

  get warnings(): string[] {
    const omitted = this.#omittedWarnings;
    return omitted === 0 ? [...this.#warnings] : [...this.#warnings, `${omitted} more warning annotations omitted`];
  }

  get infos(): string[] {
    const forced = [...this.#monotonicity].map(([key, found]) => {
      const metric = METRIC(key.slice(0, key.lastIndexOf(" ")));
      const page = "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile";
      return [
        `PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see ${page})${metric}`,
        ` from buckets ${general(found.least)} to ${general(found.most)}`,
        ` with a max diff of ${general(found.difference, 2)}`,
        ` over ${found.samples} samples from ${rfc3339(found.at)} to ${rfc3339(found.until)} (${found.position})`,
      ].join(",");
    });
    const omitted = this.#omittedInfos === 0 ? [] : [`${this.#omittedInfos} more info annotations omitted`];
    return [...this.#infos, ...forced, ...omitted];
  }
}
