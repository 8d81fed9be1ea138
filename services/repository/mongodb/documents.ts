/** The collections and the shapes of their documents: see FORMATS.md. */
import type { Collection, Db } from "mongodb";
import type { GpuUuid } from "../../../schema/model/gpu.ts";

/** One GPU's readings of one batch within one hour, split into several documents if one would be too large. */
export interface BucketDocument {
  /**
   * Made from GPU, first time and content, so that equal readings have equal ids. Further documents append `:1`, `:2`,
   * …
   */
  readonly _id: string;
  readonly v: 1;
  readonly gpu: GpuUuid;
  /** Times of the first and the last reading. */
  readonly from: Date;
  readonly to: Date;
  /** Times of the readings, in ms after `from`, ascending. */
  readonly at: readonly number[];
  /** By field name of the series: one value per time, null where the series has no reading. */
  readonly series: Readonly<Record<string, readonly (number | null)[]>>;
}

/**
 * A GPU's newest sighting. MongoDB compares documents field by field in this order, so `$max` keeps the newest
 * sighting. If two sightings end together, it keeps the same one in every order of writes.
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
  /** The index as a number, for the order of the inventory. */
  readonly place: number;
}

export interface GpuDocument {
  readonly _id: GpuUuid;
  readonly v: 1;
  readonly firstSeen: Date;
  readonly seen: SeenDocument;
  /** Start of the newest hour with a bucket of each series, by the field name of the series. */
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
 * One revision of the attribution of a GPU on one day (UTC). Only the highest revision is valid. An interval that spans
 * midnight is split between the two days. A change inserts the next revision; if another writer was first, the unique
 * id makes the insert fail. Any server can do that, and for many days in one command.
 */
export interface AttributionDocument {
  /** `GPU:YYYY-MM-DD:REV` */
  readonly _id: string;
  readonly v: 1;
  /** `GPU:YYYY-MM-DD` */
  readonly day: string;
  /** Counts from 1. */
  readonly rev: number;
  readonly gpu: GpuUuid;
  /** Start of the first interval and end of the last. */
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
