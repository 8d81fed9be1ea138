/** A point of OTLP metrics, as both encodings have it. */
export interface Point {
  readonly metric: string;
  /** `delta` also stands for a sum that does not say what it is, `other` for histograms and summaries. */
  readonly kind: "gauge" | "cumulative" | "delta" | "other";
  readonly resource: Attributes;
  readonly attributes: Attributes;
  /** Ms since the epoch. */
  readonly at: number;
  readonly value: number;
  /** True: the series no longer exists. */
  readonly isStale: boolean;
}

export type Attributes = ReadonlyMap<string, string>;

/** `DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK` */
export const NO_RECORDED_VALUE = 1;
/** `AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE` */
export const CUMULATIVE = 2;

const NS_PER_MS = 1_000_000n;
export const msOf = (nanoseconds: bigint): number => Number(nanoseconds / NS_PER_MS);
