/** Simulates a card: power follows work and clocks, temperature lags behind power, energy is the sum of power. */
import { between, type Random, wholeBetween } from "./random.ts";

/** The load on a card at one moment. */
export interface Demand {
  /** Share of the time in which a kernel runs, 0 to 1. */
  busy: number;
  /** Power that a running kernel draws, as a share of the board's power, 0 to 1. */
  intensity: number;
  /** Share of the time in which memory is being read or written, 0 to 1. */
  copy: number;
  /** Utilisation of decoder and encoder, 0 to 1. */
  decode: number;
  encode: number;
  /** Memory held by programs, MiB. Above 0, a context is open and keeps the clocks up. */
  heldMiB: number;
  /** Last XID reported by the driver; 0: none so far. */
  xid: number;
}

export const NO_DEMAND: Readonly<Demand> = { busy: 0, intensity: 0, copy: 0, decode: 0, encode: 0, heldMiB: 0, xid: 0 };

/** The properties in which cards differ. */
export interface CardTraits {
  readonly inletC: number;
  /** Degrees above the inlet temperature per watt, at equilibrium. */
  readonly celsiusPerWatt: number;
  readonly powerLimitW: number;
  /** Power limit while the rack's power brake is on, which is during `brakeS` (seconds since the start). */
  readonly brakeW: number;
  readonly brakeS: readonly [from: number, to: number] | null;
  readonly memory: CardMemory;
}

/** In MiB. Used + free + reserved = total. */
export interface CardMemory {
  readonly totalMiB: number;
  readonly reservedMiB: number;
}

/** An H100 80GB HBM3, and its MIG instance 3g.40gb. */
export const WHOLE_MEMORY: CardMemory = { totalMiB: 81_559, reservedMiB: 552 };
export const INSTANCE_MEMORY: CardMemory = { totalMiB: 40_448, reservedMiB: 276 };
export const INSTANCE_SLICES = 3 / 7;

export const CLOCK_REASONS = { idle: 0x1, powerCap: 0x4, hwSlowdown: 0x8, thermal: 0x20, powerBrake: 0x80 } as const;

const IDLE_W = 70;
const CONTEXT_W = 112;
const BOARD_W = 700;
const DRIVER_MIB = 4;
const IDLE_MHZ = 345;
const FULL_MHZ = 1980;
const CLOCK_STEP_MHZ = 15;
const SLOWEST = 0.35;
/** Maximum clock under the power brake at any load, as a share of the full clock. */
const BRAKED = 0.8;
const MEMORY_MHZ = 2619;
const TEMPERATURE_LAG_S = 45;
const THERMAL_SLOWDOWN_C = 87;

/** Readings of a card at one tick, in the units of its metrics. */
interface CardState {
  utilPercent: number;
  copyPercent: number;
  decodePercent: number;
  encodePercent: number;
  engineActive: number;
  powerW: number;
  temperatureC: number;
  usedMiB: number;
  freeMiB: number;
  reservedMiB: number;
  smClockMHz: number;
  memoryClockMHz: number;
  clockReasons: number;
  energyMJ: number;
  xid: number;
}

export interface Card {
  readonly state: Readonly<CardState>;
  /**
   * Advances to the next tick.
   * @param nowS seconds since the start
   * @param elapsedS seconds since the previous tick; 0 at the first tick, when the card is at equilibrium
   */
  advance(demand: Demand, nowS: number, elapsedS: number): void;
}

const round = (value: number, parts: number): number => Math.round(value * parts) / parts;
const percent = (share: number): number => Math.round(Math.min(1, Math.max(0, share)) * 100);

export function createCard(traits: CardTraits, random: Random): Card {
  const { totalMiB, reservedMiB } = traits.memory;
  let temperatureC = traits.inletC + IDLE_W * traits.celsiusPerWatt;
  const state: CardState = {
    utilPercent: 0,
    copyPercent: 0,
    decodePercent: 0,
    encodePercent: 0,
    engineActive: 0,
    powerW: IDLE_W,
    temperatureC,
    usedMiB: DRIVER_MIB,
    freeMiB: totalMiB - reservedMiB - DRIVER_MIB,
    reservedMiB,
    smClockMHz: IDLE_MHZ,
    memoryClockMHz: MEMORY_MHZ,
    clockReasons: CLOCK_REASONS.idle,
    // The driver was loaded up to some months ago.
    energyMJ: wholeBetween(random, 1e9, 5e12),
    xid: 0,
  };

  /** Returns the share of the full clock that the temperature and power limits allow, and sets the clock reasons. */
  const clockShare = (wantedW: number, contextW: number, nowS: number): number => {
    let share = 1;
    state.clockReasons = 0;
    if (temperatureC >= THERMAL_SLOWDOWN_C) {
      share = 1 - 0.035 * (temperatureC - THERMAL_SLOWDOWN_C + 0.5);
      state.clockReasons |= CLOCK_REASONS.thermal;
    }
    const braked = traits.brakeS !== null && nowS >= traits.brakeS[0] && nowS < traits.brakeS[1];
    if (braked) {
      share = Math.min(share, BRAKED);
      state.clockReasons |= CLOCK_REASONS.hwSlowdown | CLOCK_REASONS.powerBrake;
    }
    const limitW = braked ? traits.brakeW : traits.powerLimitW;
    // Dynamic power is proportional to the square of the clock, because voltage falls with it.
    if (wantedW * share * share > limitW - contextW) {
      share = Math.sqrt((limitW - contextW) / wantedW);
      if (!braked) state.clockReasons |= CLOCK_REASONS.powerCap;
    }
    return Math.max(SLOWEST, share);
  };

  return {
    state,
    advance(demand, nowS, elapsedS) {
      const noise = between(random, 0.985, 1.015);
      const asleep = demand.heldMiB === 0 && demand.busy === 0;
      const contextW = CONTEXT_W * noise;
      const wantedW = (BOARD_W - CONTEXT_W) * demand.busy * demand.intensity * noise;
      const share = clockShare(wantedW, contextW, nowS);
      if (asleep) {
        state.clockReasons = CLOCK_REASONS.idle;
        state.smClockMHz = IDLE_MHZ;
        state.powerW = round(IDLE_W * noise, 1000);
      } else {
        state.smClockMHz = Math.floor((FULL_MHZ * share) / CLOCK_STEP_MHZ) * CLOCK_STEP_MHZ;
        const clock = state.smClockMHz / FULL_MHZ;
        state.powerW = round(contextW + wantedW * clock * clock, 1000);
      }
      const settledC = traits.inletC + state.powerW * traits.celsiusPerWatt;
      if (elapsedS === 0) temperatureC = Math.min(settledC, THERMAL_SLOWDOWN_C);
      else temperatureC += ((settledC - temperatureC) * elapsedS) / (TEMPERATURE_LAG_S + elapsedS);
      state.temperatureC = Math.round(temperatureC);
      state.energyMJ += Math.round(state.powerW * 1000 * elapsedS);
      state.engineActive = round(demand.busy, 1e6);
      state.utilPercent = percent(demand.busy);
      state.copyPercent = percent(demand.copy);
      state.decodePercent = percent(demand.decode);
      state.encodePercent = percent(demand.encode);
      state.usedMiB = DRIVER_MIB + Math.min(Math.round(demand.heldMiB), totalMiB - reservedMiB - DRIVER_MIB);
      state.freeMiB = totalMiB - reservedMiB - state.usedMiB;
      state.xid = demand.xid;
    },
  };
}
