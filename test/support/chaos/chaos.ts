/** Disturbs a running system, one fault after another, the same ones in the same order for the same seed. */
import { systemClock } from "../../../services/platform/process/clock.ts";
import { type Random, randomOf } from "../time/seeded.ts";

export interface Fault {
  /** `kill`, `freeze`, … : what the summary counts. */
  readonly kind: string;
  /** What it hits; two faults never hit one victim at once. */
  readonly victim: string;
  /** How often it is chosen beside the others. */
  readonly weight: number;
  /** Whether there is anything to hit now. */
  readonly possible?: () => boolean;
  /** Resolves when the victim is as it was; the next faults do not wait for it. `random` is the fault's own. */
  strike(random: Random): Promise<void>;
}

export interface ChaosOptions {
  readonly random: Random;
  /** Between two faults, uniform. */
  readonly everyMs: readonly [least: number, most: number];
  /** Ends the disturbance; faults under way come to their end. */
  readonly signal: AbortSignal;
  readonly onFault?: (fault: Fault) => void;
}

export const between = (random: Random, [least, most]: readonly [number, number]): number =>
  Math.round(least + random() * (most - least));

/** Resolves to how often each kind has struck. @throws what a fault threw: the harness is broken then, not the system */
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
    throw new Error("There is no fault to choose from");
  };
  let broken: unknown;
  while (!signal.aborted && broken === undefined) {
    await pause(between(random, everyMs), signal);
    // Drawn whether or not it can strike now, so that the next draws stay the same.
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

/** A span of a fault, or of calm: chaos is the one place where time itself is the input. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> => systemClock.sleep(ms, { signal });
