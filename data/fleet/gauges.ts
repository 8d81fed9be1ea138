/** Computes what a card shows: power follows its runs, temperature follows power, energy is the sum of power. */
import { createStream, wholeBetween } from "../random.ts";
import type { Stay } from "./cards.ts";
import type { MetricInfo } from "./metrics.ts";
import type { Run } from "./runs.ts";
import { blockMsOf, usesGpu } from "./runs.ts";
import type { FleetState } from "./state.ts";
import { type Lane, type Slot, STREAM } from "./topology.ts";

const IDLE_W = 70;
const IDLE_MHZ = 345;
const FULL_MHZ = 1980;
const RESERVED_MIB = 552;
const DRIVER_MIB = 4;
const AMBIENT_C = 28;
const CELSIUS_PER_WATT = 0.08;
const HOUR_MS = 3_600_000;

export interface CardGauges {
  readonly watts: number;
  readonly celsius: number;
  readonly smClockMHz: number;
  /** Whole percent. */
  readonly utilisation: number;
  readonly energyMJ: number;
  readonly pcieReplays: number;
  readonly xid: number;
}

/** Shares of a profile's memory in the card's. */
const INSTANCE_MEMORY: Readonly<Record<string, number>> = { "3g.40gb": 0.5, "2g.20gb": 0.25, "1g.10gb": 0.125 };

/** What a device (a card, or one of its MIG instances) is used for at a time. */
interface DeviceUse {
  readonly card: number;
  /** Memory of the card. */
  readonly totalMiB: number;
  /** Profile of the instance; null for a whole card. */
  readonly profile: string | null;
  readonly runs: readonly Run[];
  readonly atMs: number;
}

export class Gauges {
  readonly #state: FleetState;
  readonly #meters: Meter[] = [];

  constructor(state: FleetState) {
    this.#state = state;
  }

  card(slot: Slot, stay: Stay, atMs: number): CardGauges {
    const runs = lanesOf(slot).flatMap((lane) => this.#state.runs.at(lane, slot.index, atMs) ?? []);
    const watts = IDLE_W + sum(runs, (run) => run.watts);
    const since = this.#state.countingSince(stay, atMs);
    const random = createStream(this.#state.options.seed, STREAM.card, stay.card, since ?? 0);
    const base = since === null ? wholeBetween(random, 1e9, 5e12) : 0;
    const replaysPerHour = wholeBetween(random, 0, 3);
    return {
      watts,
      celsius: Math.round(AMBIENT_C + watts * CELSIUS_PER_WATT) + this.#noise(stay.card, atMs, 2),
      smClockMHz: runs.length === 0 ? IDLE_MHZ : FULL_MHZ - 15 * this.#noise(stay.card, atMs, 6),
      utilisation: utilisationOf(runs, this.#noise(stay.card, atMs, 5)),
      energyMJ: base + this.#meter(slot).between(since ?? 0, atMs),
      pcieReplays: Math.floor((replaysPerHour * (atMs - (since ?? 0))) / HOUR_MS),
      xid: this.#state.xids(stay, atMs).at(-1)?.code ?? 0,
    };
  }

  /** The value of a metric of a card or of one of its instances. */
  read(metric: MetricInfo["name"], gauges: CardGauges, device: DeviceUse): number {
    switch (metric) {
      case "DCGM_FI_DEV_SM_CLOCK":
        return gauges.smClockMHz;
      case "DCGM_FI_DEV_GPU_TEMP":
        return gauges.celsius;
      case "DCGM_FI_DEV_POWER_USAGE":
        return gauges.watts;
      case "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION":
        return gauges.energyMJ;
      case "DCGM_FI_DEV_PCIE_REPLAY_COUNTER":
        return gauges.pcieReplays;
      case "DCGM_FI_DEV_GPU_UTIL":
        return gauges.utilisation;
      case "DCGM_FI_DEV_XID_ERRORS":
        return gauges.xid;
      case "DCGM_FI_DEV_FB_USED":
        return usedMiB(device);
      case "DCGM_FI_DEV_FB_FREE":
        return totalMiB(device) - usedMiB(device);
      case "DCGM_FI_PROF_GR_ENGINE_ACTIVE":
        return utilisationOf(device.runs, this.#noise(device.card, device.atMs, 5)) / 100;
      case "DCGM_EXP_XID_ERRORS_COUNT":
        throw new Error("DCGM_EXP_XID_ERRORS_COUNT has a value for each XID");
      default:
        return metric satisfies never;
    }
  }

  /** A whole number from 0 to `most`, always the same for one card and time. */
  #noise(card: number, atMs: number, most: number): number {
    return wholeBetween(createStream(this.#state.options.seed, STREAM.noise, card, atMs / 1000), 0, most);
  }

  #meter(slot: Slot): Meter {
    const place = slot.host * this.#state.options.gpusPerHost + slot.index;
    this.#meters[place] ??= new Meter(this.#state, slot);
    return this.#meters[place]!;
  }
}

const lanesOf = (slot: Slot): readonly Lane[] => [...slot.lanes, ...slot.instances.map(({ lane }) => lane)];

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);

const totalMiB = ({ totalMiB, profile }: DeviceUse): number =>
  Math.floor(totalMiB * (profile === null ? 1 : INSTANCE_MEMORY[profile]!)) - RESERVED_MIB;

const usedMiB = (device: DeviceUse): number =>
  DRIVER_MIB + Math.floor(sum(device.runs, (run) => run.memory) * totalMiB(device));

const utilisationOf = (runs: readonly Run[], noise: number): number =>
  runs.length === 0 ? 0 : Math.min(100, sum(runs, (run) => run.busy) + noise);

/** Sums the power of a slot over time, mJ (W × ms). */
class Meter {
  readonly #state: FleetState;
  readonly #slot: Slot;
  readonly #blockMs: number;
  /** The sum up to the beginning of a block. */
  #block = 0;
  #sumMJ = 0;
  #since = { atMs: 0, sumMJ: 0 };

  constructor(state: FleetState, slot: Slot) {
    this.#state = state;
    this.#slot = slot;
    this.#blockMs = blockMsOf(state.options);
  }

  between(fromMs: number, toMs: number): number {
    if (this.#since.atMs !== fromMs) this.#since = { atMs: fromMs, sumMJ: this.#until(fromMs) };
    return this.#until(toMs) - this.#since.sumMJ;
  }

  #until(atMs: number): number {
    const block = Math.floor(atMs / this.#blockMs);
    if (block < this.#block) {
      this.#block = 0;
      this.#sumMJ = 0;
    }
    for (; this.#block < block; this.#block++) this.#sumMJ += this.#work(this.#block, Number.POSITIVE_INFINITY);
    return this.#sumMJ + this.#work(block, atMs) + IDLE_W * atMs;
  }

  #work(block: number, untilMs: number): number {
    return sum(lanesOf(this.#slot), (lane) =>
      sum(this.#state.runs.block(lane, block), (run) =>
        usesGpu(run, lane, this.#slot.index) ? run.watts * Math.max(0, Math.min(run.to, untilMs) - run.from) : 0,
      ),
    );
  }
}
