/** All subscribers of one process, found by what they filter on, and what each reading means to them. */
import type { Batch } from "../../schema/batch/batch.ts";
import { forEachReading } from "../../schema/batch/readings.ts";
import type { GpuFacts, GpuUuid } from "../../schema/model/gpu.ts";
import type { Series } from "../../schema/model/reading.ts";
import { metricOf } from "../../schema/model/series.ts";
import type { LiveFilter } from "./port.ts";
import type { Subscriber } from "./subscriber.ts";

const EVERYONE = "";

const includes = (list: readonly string[] | undefined, value: string | null): boolean =>
  list === undefined || (value !== null && list.includes(value));

function passes({ above, below }: LiveFilter, value: number): boolean {
  if (above === undefined && below === undefined) return true;
  return (above !== undefined && value > above) || (below !== undefined && value < below);
}

/** A subscriber stands under each GPU it named, else each host, else under everyone. */
function placesOf({ gpus, hosts }: LiveFilter): readonly string[] {
  return gpus ?? hosts?.map((host) => `host ${host}`) ?? [EVERYONE];
}

export class Audience {
  readonly #places = new Map<string, Set<Subscriber>>();
  readonly #all = new Set<Subscriber>();

  get size(): number {
    return this.#all.size;
  }

  add(subscriber: Subscriber): void {
    this.#all.add(subscriber);
    for (const place of placesOf(subscriber.filter)) {
      const standing = this.#places.get(place);
      if (standing === undefined) this.#places.set(place, new Set([subscriber]));
      else standing.add(subscriber);
    }
  }

  remove(subscriber: Subscriber): void {
    this.#all.delete(subscriber);
    for (const place of placesOf(subscriber.filter)) {
      const standing = this.#places.get(place);
      standing?.delete(subscriber);
      if (standing?.size === 0) this.#places.delete(place);
    }
  }

  /** Unpacks once what somebody may listen to; who listens to a series of a GPU is found once per batch. */
  tell(batches: readonly Batch[]): void {
    for (const batch of batches) {
      const listeners = new Map<GpuFacts, Map<Series, readonly Subscriber[]>>();
      forEachReading(this.#heard(batch), (gpu, series, at, value, facts) => {
        let bySeries = listeners.get(facts);
        if (bySeries === undefined) {
          bySeries = new Map();
          listeners.set(facts, bySeries);
        }
        let interested = bySeries.get(series);
        if (interested === undefined) {
          interested = this.#listeners(facts, series);
          bySeries.set(series, interested);
        }
        for (const subscriber of interested) {
          if (passes(subscriber.filter, value)) subscriber.take(gpu, facts.host, series, at, value);
        }
      });
    }
  }

  /** Without the GPUs at whose places nobody stands. */
  #heard(batch: Batch): Batch {
    if (this.#places.has(EVERYONE)) return batch;
    const gpus = new Set<GpuUuid>();
    for (const { facts } of batch.sightings) {
      if (this.#places.has(facts.uuid) || this.#places.has(`host ${facts.host}`)) gpus.add(facts.uuid);
    }
    return { ...batch, blocks: batch.blocks.filter(({ gpu }) => gpus.has(gpu)) };
  }

  #listeners(facts: GpuFacts, series: Series): readonly Subscriber[] {
    const metric = metricOf(series);
    const found: Subscriber[] = [];
    for (const place of [facts.uuid, `host ${facts.host}`, EVERYONE]) {
      for (const subscriber of this.#places.get(place) ?? []) {
        const { hosts, namespaces, metrics } = subscriber.filter;
        if (includes(hosts, facts.host) && includes(namespaces, facts.namespace) && includes(metrics, metric)) {
          found.push(subscriber);
        }
      }
    }
    return found;
  }
}
