/** Plans the work on the fleet: which pod or job holds which GPU from when to when. A pure function of the time. */
import { between, createStream, hex, podSuffix, type Random, wholeBetween } from "../random.ts";
import { type Holder, holderKey } from "./holder.ts";
import type { FleetOptions } from "./options.ts";
import { type Lane, STREAM } from "./topology.ts";

/** One stay of a holder. Times are ms since the start of the simulation, `[from, to)`. */
export interface Run {
  readonly from: number;
  readonly to: number;
  readonly holder: Holder;
  readonly key: string;
  /** Power that the run adds to the card. */
  readonly watts: number;
  /** Utilisation, 0 to 100. */
  readonly busy: number;
  /** Memory, as a share of the card's or instance's. */
  readonly memory: number;
  /** Bit n: the run uses the GPU with index n. */
  readonly gpus: number;
}

/** A lane's runs are planned in blocks of this many intervals, each from its own random numbers. */
const BLOCK_INTERVALS = 64;
/** A long run covers neighbouring blocks within so many. */
const BLOCKS_OF_A_LONG_RUN = 4;
const IDLE_BLOCKS = 0.2;
const LONG_BLOCKS = 0.25;
const MAX_RUNS_PER_BLOCK = 64;

export const blockMsOf = (options: FleetOptions): number => BLOCK_INTERVALS * options.intervalMs;

const APPS = ["chat", "embed", "train", "tune", "video"] as const;
const NAMESPACES = ["inference", "search", "ml-training", "research"] as const;
const CONTAINERS = ["main", "server", "trainer"] as const;
const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)]!;

type Stay = Omit<Run, "from" | "to">;

function createStay(lane: Lane, number: number, random: Random): Stay {
  const holder: Holder =
    lane.kind === "job"
      ? { job: String(lane.id * 1_000_000 + number) }
      : {
          namespace: pick(random, NAMESPACES),
          pod: `${pick(random, APPS)}-${podSuffix(random, 9)}-${podSuffix(random, 5)}`,
          container: pick(random, CONTAINERS),
          podUid: [8, 4, 4, 4, 12].map((length) => hex(random, length)).join("-"),
        };
  const all = 2 ** lane.gpus - 1;
  // At least one GPU.
  const gpus = lane.gang ? all : Math.floor(random() * all) + 1;
  return {
    holder,
    key: holderKey(holder),
    watts: wholeBetween(random, 40, 150),
    busy: wholeBetween(random, 5, 60),
    memory: between(random, 0.05, 0.3),
    gpus,
  };
}

/** Returns the runs of one block in order of time. Some are shorter than an interval, and so are some gaps. */
function runsOfBlock(options: FleetOptions, lane: Lane, block: number): readonly Run[] {
  const { seed, intervalMs } = options;
  const blockMs = blockMsOf(options);
  const startMs = block * blockMs;
  const endMs = startMs + blockMs;
  const random = createStream(seed, STREAM.run, lane.id, block);
  const mood = random();
  if (mood < IDLE_BLOCKS) return [];
  if (mood < IDLE_BLOCKS + LONG_BLOCKS) {
    const group = Math.floor(block / BLOCKS_OF_A_LONG_RUN);
    const number = group * BLOCKS_OF_A_LONG_RUN * MAX_RUNS_PER_BLOCK + MAX_RUNS_PER_BLOCK - 1;
    const stay = createStay(lane, number, createStream(seed, STREAM.long, lane.id, group));
    return [{ ...stay, from: startMs, to: endMs }];
  }
  const runs: Run[] = [];
  const length = (low: number, high: number) => Math.max(1, Math.round(between(random, low, high) * intervalMs));
  let from = startMs + length(0, 6);
  let before: Stay | null = null;
  for (let n = 0; n < MAX_RUNS_PER_BLOCK - 1 && from < endMs; n++) {
    const again: boolean = before !== null && random() < 0.35;
    const stay: Stay = again && before !== null ? before : createStay(lane, block * MAX_RUNS_PER_BLOCK + n, random);
    const kind = random();
    const ms = kind < 0.25 ? length(0.05, 0.9) : kind < 0.7 ? length(1, 9) : length(9, 30);
    const to = Math.min(endMs, from + ms);
    runs.push({ ...stay, from, to });
    before = stay;
    const pause = random();
    from = to + (pause < 0.35 ? 0 : pause < 0.6 ? length(0.05, 0.9) : length(1, 25));
  }
  return runs;
}

/** Looks up the runs of lanes, and keeps each lane's newest block. */
export class Runs {
  readonly #options: FleetOptions;
  readonly #blockMs: number;
  readonly #blocks = new Map<number, { block: number; runs: readonly Run[] }>();

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#blockMs = blockMsOf(options);
  }

  block(lane: Lane, block: number): readonly Run[] {
    const known = this.#blocks.get(lane.id);
    if (known?.block === block) return known.runs;
    const runs = runsOfBlock(this.#options, lane, block);
    this.#blocks.set(lane.id, { block, runs });
    return runs;
  }

  /** The lane's run on the GPU with this index at a time in ms since the start, or null. */
  at(lane: Lane, index: number, atMs: number): Run | null {
    for (const run of this.block(lane, Math.floor(atMs / this.#blockMs))) {
      if (run.from > atMs) return null;
      if (atMs < run.to) return usesGpu(run, lane, index) ? run : null;
    }
    return null;
  }
}

export const usesGpu = (run: Run, lane: Lane, index: number): boolean =>
  lane.gpus === 1 || (run.gpus & (1 << index)) !== 0;
