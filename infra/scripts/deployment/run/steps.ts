/** Prints numbered steps and the time that each took. */
export interface Steps {
  /** Runs a step and prints the summary that `act` returns. Rejects as `act` does; `current` then names the step. */
  step(title: string, act: () => Promise<string>): Promise<void>;
  /** Prints a line below the running step. */
  note(line: string): void;
  /** The total time and the longest steps. */
  summary(): string;
  /** Title of the running step, or of the one that failed. */
  readonly current: string;
}

export interface StepsOptions {
  readonly total: number;
  readonly print: (line: string) => void;
  /** If false (a dry run), results and times are not printed. */
  readonly timed: boolean;
  readonly now?: () => number;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

export function createSteps({ total, print, timed, now = () => performance.now() }: StepsOptions): Steps {
  const taken: { title: string; ms: number }[] = [];
  const startedAt = now();
  let current = "";
  return {
    get current() {
      return current;
    },
    note: (line) => print(`      ${line}`),
    async step(title, act) {
      current = title;
      print(`[${taken.length + 1}/${total}] ${title}`);
      const began = now();
      const outcome = await act();
      if (!timed) {
        taken.push({ title, ms: 0 });
        return;
      }
      const ms = now() - began;
      taken.push({ title, ms });
      print(`      ${outcome} (${seconds(ms)})`);
    },
    summary() {
      const longest = taken.toSorted((a, b) => b.ms - a.ms).filter(({ ms }) => ms >= 50);
      const parts = longest.slice(0, 3).map(({ title, ms }) => `${title.split(" ")[0]!.toLowerCase()} ${seconds(ms)}`);
      return [`${seconds(now() - startedAt)} in all`, ...parts].join(", ");
    },
  };
}
