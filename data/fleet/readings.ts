/** Lists what a host's exporter prints at a tick, one reading for each row. */
import type { Stay } from "./cards.ts";
import { type CardGauges, Gauges } from "./gauges.ts";
import { METRICS, type MetricInfo } from "./metrics.ts";
import type { FleetOptions } from "./options.ts";
import { FleetState, type Holding } from "./state.ts";
import type { Host, Instance, Slot } from "./topology.ts";

export interface Reading {
  readonly metric: MetricInfo;
  readonly slot: Slot;
  readonly card: number;
  readonly instance: Instance | null;
  /** Whom the row names; null: nobody. */
  readonly holding: Holding | null;
  /** XID of the label `xid` or `err_code`; null: no such label. */
  readonly xid: number | null;
  readonly value: number;
}

/** A device with its holders: a whole card, or one MIG instance. */
interface Device {
  readonly instance: Instance | null;
  readonly holdings: readonly Holding[];
}

/** A card that is in its slot at a tick. */
interface Card {
  readonly slot: Slot;
  readonly stay: Stay;
  readonly gauges: CardGauges;
  readonly devices: readonly Device[];
  readonly totalMiB: number;
}

export class Exporters {
  readonly state: FleetState;
  readonly #gauges: Gauges;

  constructor(options: FleetOptions) {
    this.state = new FleetState(options);
    this.#gauges = new Gauges(this.state);
  }

  /** Readings of a host at a tick, by metric, then by GPU. Empty while the host does not report. */
  readings(host: Host, tick: number): Reading[] {
    if (!this.state.reports(host.number, tick)) return [];
    const atMs = tick * this.state.options.intervalMs;
    const cards = host.slots.flatMap((slot) => {
      const stay = this.state.stay(slot, atMs);
      if (stay === null) return [];
      const gauges = this.#gauges.card(slot, stay, atMs);
      return [{ slot, stay, gauges, devices: this.#devices(slot, atMs), totalMiB: host.totalMiB }];
    });
    return METRICS.flatMap((metric) => cards.flatMap((card) => this.#cardReadings(metric, card, atMs)));
  }

  /** A row for each holder, or one that names nobody. */
  #cardReadings(metric: MetricInfo, card: Card, atMs: number): Reading[] {
    return this.#rows(metric, card, atMs).flatMap(({ device, xid, value }) => {
      const holdings: readonly (Holding | null)[] = device.holdings.length === 0 ? [null] : device.holdings;
      const { instance } = device;
      return holdings.map((holding) => ({
        metric,
        slot: card.slot,
        card: card.stay.card,
        instance,
        holding,
        xid,
        value,
      }));
    });
  }

  /** The card first, then the instances that are shown. */
  #devices(slot: Slot, atMs: number): Device[] {
    const card = { instance: null, holdings: this.state.holdings(slot, null, atMs) };
    const instances = slot.instances.map((instance) => ({
      instance,
      holdings: this.state.holdings(slot, instance, atMs),
    }));
    return [card, ...instances.filter(isShown)];
  }

  #rows(
    metric: MetricInfo,
    { slot, stay, gauges, devices, totalMiB }: Card,
    atMs: number,
  ): { device: Device; xid: number | null; value: number }[] {
    if (metric.scope === "xids") {
      if (slot.kind === "mig") return [];
      const counts = [...this.state.xidCounts(stay, atMs)];
      if (counts.length === 0) return [{ device: devices[0]!, xid: null, value: 0 }];
      return counts.map(([xid, value]) => ({ device: devices[0]!, xid, value }));
    }
    const xid = metric.name === "DCGM_FI_DEV_XID_ERRORS" ? gauges.xid : null;
    return devices
      .filter((device) => prints(metric, slot, device))
      .map((device) => {
        const runs = device.holdings.map(({ run }) => run);
        const profile = device.instance?.profile ?? null;
        return {
          device,
          xid,
          value: this.#gauges.read(metric.name, gauges, { card: stay.card, totalMiB, profile, runs, atMs }),
        };
      });
  }
}

/** A quiet instance is shown only while it is held. */
const isShown = ({ instance, holdings }: Device): boolean => !(instance?.quiet === true && holdings.length === 0);

function prints(metric: MetricInfo, slot: Slot, { instance, holdings }: Device): boolean {
  if (slot.kind !== "mig") return true;
  switch (metric.scope) {
    case "card":
      return instance === null;
    case "both":
      return true;
    case "memory":
      return instance !== null;
    case "engine":
      return instance !== null && holdings.length > 0;
    case "device":
    case "xids":
      return false;
    default:
      return metric.scope satisfies never;
  }
}
