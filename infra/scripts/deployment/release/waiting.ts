/** Prints which pods a release waits for while they become ready. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Place } from "../run/place.ts";
import type { Shell } from "../run/shell.ts";
import { readPods, waitedFor } from "./pods.ts";

const LOOK_MS = 5000;
const NAMED = 4;

/** Prints a line whenever the state of the pods has changed, for as long as `act` takes. */
export async function watchPods<T>(
  shell: Shell,
  place: Place,
  note: (line: string) => void,
  act: () => Promise<T>,
): Promise<T> {
  if (shell.dryRun) return act();
  const done = new AbortController();
  const watching = (async () => {
    for (let earlier = ""; ; ) {
      await sleep(LOOK_MS, undefined, { signal: done.signal }).catch(() => {});
      if (done.signal.aborted) return;
      const pods = (await readPods(shell, place)) ?? [];
      const waiting = waitedFor(pods);
      const named = waiting.slice(0, NAMED).map(({ name, state }) => `${name} ${state}`);
      const more = waiting.length > NAMED ? [`${waiting.length - NAMED} more`] : [];
      const line = `${pods.length - waiting.length} of ${pods.length} pods are ready; ${[...named, ...more].join(", ")}`;
      if (line !== earlier && waiting.length > 0) note(line);
      earlier = line;
    }
  })();
  try {
    return await act();
  } finally {
    done.abort();
    await watching;
  }
}
