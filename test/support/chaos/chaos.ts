/** Disturbs a running system with one fault after another. The seed determines the faults and their order. */
import { systemClock } from "../../../services/platform/process/clock.ts";
import { type Random, randomOf } from "../time/seeded.ts";

export interface Fault {
  /** `kill`, `freeze`, …: the summary counts faults by kind. */
  readonly kind: string;
  /** The part that the fault hits. A victim has at most one fault at a time. */
  readonly victim: string;
  /** Relative frequency. */
  readonly weight: number;
  /** Whether the victim can be hit now. */
  readonly possible?: () => boolean;
  /** Resolves once the victim works again; later faults do not wait for it. Each fault has its own `random`. */
  strike(random: Random): Promise<void>;
}

export interface ChaosOptions {
  readonly random: Random;
  /** Pause between two faults, ms, uniform. */
  readonly everyMs: readonly [least: number, most: number];
  /** Ends the disturbance once the active faults are over. */
  readonly signal: AbortSignal;
  readonly onFault?: (fault: Fault) => void;
}

export const between = (random: Random, [least, most]: readonly [number, number]): number =>
  Math.round(least + random() * (most - least));

/** @returns how often each kind has struck. @throws the error of a fault: the harness is broken then, not the system */
export async function disturb(
  faults: readonly Fault[],
  { random, everyMs, signal, onFault }: ChaosOptions,
): Promise<ReadonlyMap<string, number>> {
  const struck = new Map<string, number>();
  const hit = new Set<string>();
  const underWay = new Set<Promise<void>>();
  const total = faults.reduce((sum, { weight }) => sum + weight, 0);
  const choose = (): Fault => {
    let left = random() * total;
    for (const fault of faults) {
      left -= fault.weight;
      if (left < 0) return fault;
    }
    throw new Error("faults must have a positive weight");
  };
  let broken: unknown;
  while (!signal.aborted && broken === undefined) {
    await pause(between(random, everyMs), signal);
    // Draws even when the fault cannot strike, so that later draws depend on the seed alone.
    const fault = choose();
    const own = randomOf(Math.floor(random() * 2 ** 32));
    if (signal.aborted || hit.has(fault.victim) || fault.possible?.() === false) continue;
    hit.add(fault.victim);
    struck.set(fault.kind, (struck.get(fault.kind) ?? 0) + 1);
    onFault?.(fault);
    const strike = fault
      .strike(own)
      .catch((error: unknown) => {
        broken = error;
      })
      .finally(() => {
        hit.delete(fault.victim);
        underWay.delete(strike);
      });
    underWay.add(strike);
  }
  await Promise.all(underWay);
  if (broken !== undefined) throw broken;
  return struck;
}

/** The duration of a fault or of a calm. Only chaos waits for time: here time is the input. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> => systemClock.sleep(ms, { signal });
