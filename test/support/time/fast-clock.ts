/** A clock that runs some times faster than the system's, for programs that a test cannot reach into. */
import { type Clock, systemClock } from "../../../services/platform/process/clock.ts";

export function fastClock(speed: number): Clock {
  const startedAt = systemClock.now();
  return {
    now: () => startedAt + (systemClock.now() - startedAt) * speed,
    monotonic: () => systemClock.monotonic() * speed,
    sleep: (ms, options) => systemClock.sleep(ms / speed, options),
  };
}
