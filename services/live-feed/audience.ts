/** Indexes the subscribers of one process by their filters, and passes each published reading to those that want it. */
import type { Batch } from "../../schema/batch/batch.ts";
import { forEachReading } from "../../schema/batch/readings.ts";
import type { GpuFacts, GpuUuid } from "../../schema/model/gpu.ts";
import type { HolderSet } from "../../schema/model/holder.ts";
import type { Series } from "../../schema/model/reading.ts";
import { metricOf } from "../../schema/model/series.ts";
import { type LiveFilter, passesGpu, passesMetric, passesValue } from "./port.ts";
import type { Subscriber } from "./subscriber.ts";

/** The key of subscribers whose filters name neither GPUs nor hosts. */
const EVERYTHING = "";

/**
 * Returns the keys of a filter's subscriber: the GPUs that the filter names, otherwise the hosts, otherwise everything.
 */
function keysOf({ gpus, hosts }: LiveFilter): readonly string[] {
  return gpus ?? hosts?.map((host) => `host ${host}`) ?? [EVERYTHING];
}

export class Audience {
  readonly #byKey = new Map<string, Set<Subscriber>>();
  readonly #all = new Set<Subscriber>();

  get size(): number {
    return this.#all.size;
  }

  add(subscriber: Subscriber): void {
    this.#all.add(subscriber);
    for (const key of keysOf(subscriber.filter)) {
      const others = this.#byKey.get(key);
      if (others === undefined) this.#byKey.set(key, new Set([subscriber]));
      else others.add(subscriber);
    }
  }

  remove(subscriber: Subscriber): void {
    this.#all.delete(subscriber);
    for (const key of keysOf(subscriber.filter)) {
      const others = this.#byKey.get(key);
      others?.delete(subscriber);
      if (others?.size === 0) this.#byKey.delete(key);
    }
  }

  /** Decodes only GPUs that a subscriber may want. Looks up the subscribers of each GPU's series once per batch. */
  publish(batches: readonly Batch[]): void {
    for (const batch of batches) {
      const listeners = new Map<GpuFacts, Map<HolderSet, Map<Series, readonly Subscriber[]>>>();
      forEachReading(this.#wanted(batch), (gpu, series, at, value, facts, holders) => {
        let byHolders = listeners.get(facts);
        if (byHolders === undefined) {
          byHolders = new Map();
          listeners.set(facts, byHolders);
        }
        let bySeries = byHolders.get(holders);
        if (bySeries === undefined) {
          bySeries = new Map();
          byHolders.set(holders, bySeries);
        }
        let interested = bySeries.get(series);
        if (interested === undefined) {
          interested = this.#listeners(facts, holders, series);
          bySeries.set(series, interested);
        }
        for (const subscriber of interested) {
          if (passesValue(subscriber.filter, value)) subscriber.take(gpu, facts.host, series, at, value);
        }
      });
    }
  }

  /** Returns the batch without the GPUs that no subscriber can want. */
  #wanted(batch: Batch): Batch {
    if (this.#byKey.has(EVERYTHING)) return batch;
    const gpus = new Set<GpuUuid>();
    for (const { facts } of batch.sightings) {
      if (this.#byKey.has(facts.uuid) || this.#byKey.has(`host ${facts.host}`)) gpus.add(facts.uuid);
    }
    return { ...batch, blocks: batch.blocks.filter(({ gpu }) => gpus.has(gpu)) };
  }

  #listeners(facts: GpuFacts, holders: HolderSet, series: Series): readonly Subscriber[] {
    const metric = metricOf(series);
    const found: Subscriber[] = [];
    for (const key of [facts.uuid, `host ${facts.host}`, EVERYTHING]) {
      for (const subscriber of this.#byKey.get(key) ?? []) {
        const { filter } = subscriber;
        if (passesGpu(filter, facts.host, holders) && passesMetric(filter, metric)) found.push(subscriber);
      }
    }
    return found;
  }
}
