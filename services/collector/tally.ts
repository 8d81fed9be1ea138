/** Counts what the collector does, as totals and as metrics. */
import type { Metrics } from "../platform/process/metrics.ts";
import type { SaveOutcome } from "../repository/port.ts";

export interface CollectorSummary {
  /** Batches stored, including duplicates. */
  readonly batches: number;
  /** Readings in new buckets. */
  readonly readings: number;
  readonly buckets: number;
  /** Buckets and readings that the store already had. */
  readonly duplicateBuckets: number;
  readonly duplicateReadings: number;
  /** Readings dropped because they are older than the retention. */
  readonly tooOld: number;
  /** Batches that became dead letters at once. */
  readonly rejected: number;
  /** Batches given back for a later retry; each used one attempt. */
  readonly retried: number;
  /** Batches given back at a stop, or for a newer collector; none used an attempt. */
  readonly released: number;
  /** Publications that the live feed did not accept. */
  readonly liveFailures: number;
  /** Deliveries whose lease was lost before they were settled. */
  readonly leasesLost: number;
}

export type RejectReason = "undecodable" | "invalid";
export type RetryReason = "store_away" | "queue_away" | "store_failed" | "queue_failed" | "defect";

export interface Tally {
  readonly totals: CollectorSummary;
  saved(batches: number, outcome: SaveOutcome, seconds: number): void;
  rejected(reason: RejectReason): void;
  /** `batches`: how many were given back for a later retry. Default: 0. */
  retried(reason: RetryReason, batches?: number): void;
  released(batches: number): void;
  liveFailed(): void;
  leasesLost(deliveries: number): void;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

function createMeter(metrics: Metrics, inFlight: () => number) {
  const batches = metrics.counter({ name: "collector_batches_total", help: "Batches stored." });
  const readings = metrics.counter({ name: "collector_readings_total", help: "Readings stored that were new." });
  const duplicates = metrics.counter({
    name: "collector_duplicate_readings_total",
    help: "Readings in buckets that the store already had.",
  });
  const dropped = metrics.counter({
    name: "collector_dropped_readings_total",
    help: "Readings not stored, by reason.",
    labels: ["reason"],
  });
  const rejected = metrics.counter({
    name: "collector_rejected_batches_total",
    help: "Batches that became dead letters at once, by reason.",
    labels: ["reason"],
  });
  const retries = metrics.counter({
    name: "collector_retries_total",
    help: "Calls retried and batches given back for a later retry, by reason.",
    labels: ["reason"],
  });
  const released = metrics.counter({
    name: "collector_released_batches_total",
    help: "Batches given back at a stop or for newer collectors.",
  });
  const liveFailures = metrics.counter({
    name: "collector_live_failures_total",
    help: "Publications that the live feed did not accept.",
  });
  const leasesLost = metrics.counter({
    name: "collector_leases_lost_total",
    help: "Deliveries whose lease was lost before they were settled.",
  });
  const saveSeconds = metrics.histogram({
    name: "collector_save_duration_seconds",
    help: "Duration of one save, in seconds.",
    buckets: SECONDS,
  });
  metrics.gauge({ name: "collector_groups_in_flight", help: "Groups of deliveries in flight." }, inFlight);
  return { batches, readings, duplicates, dropped, rejected, retries, released, liveFailures, leasesLost, saveSeconds };
}

/** @param inFlight groups of deliveries in flight */
export function createTally(metrics: Metrics | undefined, inFlight: () => number): Tally {
  const meter = metrics && createMeter(metrics, inFlight);
  const totals = {
    batches: 0,
    readings: 0,
    buckets: 0,
    duplicateBuckets: 0,
    duplicateReadings: 0,
    tooOld: 0,
    rejected: 0,
    retried: 0,
    released: 0,
    liveFailures: 0,
    leasesLost: 0,
  };
  return {
    totals,
    saved(count, outcome, seconds) {
      totals.batches += count;
      totals.readings += outcome.readings;
      totals.buckets += outcome.buckets;
      totals.duplicateBuckets += outcome.duplicateBuckets;
      totals.duplicateReadings += outcome.duplicateReadings;
      totals.tooOld += outcome.tooOld;
      meter?.batches.inc(count);
      meter?.readings.inc(outcome.readings);
      meter?.duplicates.inc(outcome.duplicateReadings);
      if (outcome.tooOld > 0) meter?.dropped.inc({ reason: "too_old" }, outcome.tooOld);
      meter?.saveSeconds.observe(seconds);
    },
    rejected(reason) {
      totals.rejected++;
      meter?.rejected.inc({ reason });
    },
    retried(reason, count = 0) {
      totals.retried += count;
      meter?.retries.inc({ reason }, Math.max(1, count));
    },
    released(count) {
      totals.released += count;
      meter?.released.inc(count);
    },
    liveFailed() {
      totals.liveFailures++;
      meter?.liveFailures.inc();
    },
    leasesLost(count) {
      totals.leasesLost += count;
      meter?.leasesLost.inc(count);
    },
  };
}
