/**
 * What lies in the database, readable in mongosh. Times are dates. Documents say their version; a reader refuses a
 * newer one instead of misreading it.
 */
import type { Collection, Db } from "mongodb";
import type { GpuUuid } from "../../../schema/model/gpu.ts";

/** One GPU's readings of one batch within one hour, or a part of them where they are very many. */
export interface BucketDocument {
  /** From GPU, first time and content: the same readings, the same id. */
  readonly _id: string;
  readonly v: 1;
  readonly gpu: GpuUuid;
  readonly from: Date;
  readonly to: Date;
  /** Milliseconds after `from`, ascending. */
  readonly at: readonly number[];
  /** By field name of the series, as long as `at`; null where the series has no reading at that time. */
  readonly series: Readonly<Record<string, readonly (number | null)[]>>;
}

/**
 * What a GPU's newest sighting tells. MongoDB compares documents field by field in this order, so that `$max` keeps the
 * newest, and of two that end together always the same one, whoever writes in whatever order.
 */
export interface SeenDocument {
  readonly lastSeen: Date;
  readonly host: string;
  readonly index: string;
  readonly device: string;
  readonly model: string;
  readonly driver: string | null;
  readonly container: string | null;
  readonly pod: string | null;
  readonly namespace: string | null;
  /** The index as a number, for the order of inventory. */
  readonly place: number;
}

export interface GpuDocument {
  readonly _id: GpuUuid;
  readonly v: 1;
  readonly firstSeen: Date;
  readonly seen: SeenDocument;
  /** By field name of the series: the newest hour with a bucket that has it. */
  readonly newest: Readonly<Record<string, Date>>;
}

export interface HeldDocument {
  readonly from: Date;
  readonly to: Date;
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly container: string | null;
}

/**
 * Who held a GPU on one day (UTC), as one revision of it; an interval that goes on at midnight lies in both days. The
 * day's highest revision counts. A change is a new document: that its id is free makes sure that nobody else has changed
 * the same revision, on any server and for many days in one command.
 */
export interface AttributionDocument {
  /** `GPU:YYYY-MM-DD:REV` */
  readonly _id: string;
  readonly v: 1;
  /** `GPU:YYYY-MM-DD` */
  readonly day: string;
  /** From 1. */
  readonly rev: number;
  readonly gpu: GpuUuid;
  /** Of the first and the last interval. */
  readonly from: Date;
  readonly to: Date;
  /** Oldest first, never overlapping. */
  readonly held: readonly HeldDocument[];
}

export interface PositionDocument {
  /** The producer. */
  readonly _id: string;
  readonly v: 1;
  readonly epoch: number;
  readonly seq: number;
  readonly position: string;
}

export interface Collections {
  readonly points: Collection<BucketDocument>;
  readonly gpus: Collection<GpuDocument>;
  readonly attributions: Collection<AttributionDocument>;
  readonly positions: Collection<PositionDocument>;
}

export const collectionsOf = (db: Db): Collections => ({
  points: db.collection("telemetry_points"),
  gpus: db.collection("gpus"),
  attributions: db.collection("attributions"),
  positions: db.collection("positions"),
});
