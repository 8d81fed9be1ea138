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
  /** Version 2 has marks, and is not read by releases that know only version 1. */
  readonly v: 1 | 2;
  readonly gpu: GpuUuid;
  /** Times of the first and the last reading. */
  readonly from: Date;
  readonly to: Date;
  /** Times of the readings, in ms after `from`, ascending. */
  readonly at: readonly number[];
  /** By field name of the series: one value per time, null where the series has no reading. */
  readonly series: Readonly<Record<string, readonly (number | null)[]>>;
  /**
   * The holders that the rows named, as `evidenceText`. No row named one: null in version 1, absent in version 2.
   * Absent in version 1: the release before version 2 wrote the document, and the attributions say it.
   */
  readonly held?: string | null;
  /** Stale marks: by field name of the series, the indices of their times, ascending. */
  readonly stale?: Readonly<Record<string, readonly number[]>>;
}

/**
 * A GPU's newest sighting. MongoDB compares documents field by field in this order, so `$max` keeps the newest
 * sighting. If two sightings end together, it keeps the same one in every order of writes.
 */
export interface SeenDocument {
  /** As of the last change of facts. The times since then are in the pulses. */
  readonly lastSeen: Date;
  readonly host: string;
  readonly index: string;
  readonly device: string;
  readonly model: string;
  readonly driver: string | null;
  readonly pciBusId: string | null;
  readonly labels: string | null;
  /** The index as a number, for the order of the inventory. */
  readonly place: number;
}

/** Written with `$max`, field by field, so that the later times win. */
export interface InstanceDocument {
  /** Time of the last reading, at most an hour behind. */
  readonly lastSeen: Date;
  readonly profile: string | null;
  /** Last reading that named the profile; null if none has. */
  readonly profileAt: Date | null;
}

export interface GpuDocument {
  readonly _id: GpuUuid;
  readonly v: 1;
  readonly firstSeen: Date;
  readonly seen: SeenDocument;
  /** By field name of the `GPU_I_ID`. Version 1 of the store wrote none. */
  readonly instances?: Readonly<Record<string, InstanceDocument>>;
  /** Start of the newest hour with a bucket of each series, by the field name of the series. */
  readonly newest: Readonly<Record<string, Date>>;
}

/** A hold. A change of holders inserts, updates or deletes it; while it is open, pulses extend it. */
export interface HoldDocument {
  /** `GPU|INSTANCE|HOLDER|FROM`: equal holds have equal ids, whichever process derives them. */
  readonly _id: string;
  readonly v: 1;
  readonly gpu: GpuUuid;
  readonly instance: string | null;
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly container: string | null;
  readonly podUid: string | null;
  /** Slurm job; the other parts of the holder are then null. */
  readonly job: string | null;
  readonly from: Date;
  /** Of an open hold: as of the last change. The pulses have the time up to which it lasts. */
  readonly to: Date;
  /** Time of the reading that has ended the hold; null: none so far. */
  readonly ended: Date | null;
  /** The longest usual interval of the series that named the holder: three of them without a reading are a silence. */
  readonly usualMs: number;
}

/** Serializes the writers of one GPU's holds and placements, without locking any of them out. */
export interface TurnDocument {
  readonly _id: GpuUuid;
  readonly v: 1;
  /** Counts the writers that have begun. */
  readonly turn: number;
  /** True from the begin of a writer until the end of a writer whose turn is still the newest. */
  readonly isBusy: boolean;
}

/** Last times of up to some hundred GPUs in one document, so that each reading does not rewrite a document. */
export interface PulseDocument {
  /** `SHARES:SHARE`: into how many shares the writer divides its GPUs, and which one this is. */
  readonly _id: string;
  readonly v: 1;
  /** Time of the last reading, by field name of the GPU. */
  readonly seen: Readonly<Record<string, Date>>;
  /** Up to when each hold lasts that has not ended, by 16 hex digits of the SHA-256 of its id. */
  readonly held: Readonly<Record<string, Date>>;
}

/** A GPU's time in a slot of a host. Stays of one GPU do not overlap. */
export interface StayDocument {
  /** `GPU|FROM|HOST|INDEX` */
  readonly _id: string;
  readonly v: 1;
  readonly gpu: GpuUuid;
  readonly host: string;
  readonly index: string;
  readonly from: Date;
  /** Of the GPU's newest stay: as of the last change. It then lasts until the GPU's last reading. */
  readonly to: Date;
}

/** An interval of a day's revision that version 1 wrote. */
export interface HeldDocument {
  readonly from: Date;
  readonly to: Date;
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly container: string | null;
}

/** The attribution of a GPU on one day (UTC), as version 1 wrote it. Only the highest revision of a day is valid. */
export interface AttributionDocument {
  /** `GPU:YYYY-MM-DD:REV` */
  readonly _id: string;
  readonly v: 1;
  /** `GPU:YYYY-MM-DD` */
  readonly day: string;
  readonly rev: number;
  readonly gpu: GpuUuid;
  readonly from: Date;
  readonly to: Date;
  /** Oldest first, never overlapping. */
  readonly held: readonly HeldDocument[];
  /** True once version 2 has taken the revision over. Version 1 does not know the field. */
  readonly taken?: true;
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
  readonly holds: Collection<HoldDocument>;
  readonly turns: Collection<TurnDocument>;
  readonly pulses: Collection<PulseDocument>;
  readonly stays: Collection<StayDocument>;
  readonly attributions: Collection<AttributionDocument>;
  readonly positions: Collection<PositionDocument>;
}

export const collectionsOf = (db: Db): Collections => ({
  points: db.collection("telemetry_points"),
  gpus: db.collection("gpus"),
  holds: db.collection("holds"),
  turns: db.collection("turns"),
  pulses: db.collection("pulses"),
  stays: db.collection("stays"),
  attributions: db.collection("attributions"),
  positions: db.collection("positions"),
});
