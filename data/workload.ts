/** Workloads over time: training in waves with checkpoints, inference in bursts, notebooks, fine-tuning. */
import type { Demand } from "./card.ts";
import { NO_DEMAND } from "./card.ts";
import { between, podSuffix, type Random, wholeBetween } from "./random.ts";

/** The pod that holds a GPU. */
export interface Tenant {
  readonly container: string;
  readonly pod: string;
  readonly namespace: string;
}

export interface Workload {
  /** The pod that holds the GPU now, or null. It is the same object as long as the pod stays the same. */
  readonly tenant: Tenant | null;
  /** Writes the load at `nowS` seconds since the start into `into`. `nowS` must not go back. */
  demand(into: Demand, nowS: number): void;
}

/** Returns a triangle wave that goes from 0 to 1 and back in each period. */
const wave = (s: number, periodS: number): number => {
  const phase = (s / periodS) % 1;
  return phase < 0.5 ? phase * 2 : 2 - phase * 2;
};

/** One job of a schedule. Jobs follow each other with gaps in which no pod holds the GPU. */
interface Run {
  readonly startS: number;
  readonly endS: number;
  readonly tenant: Tenant;
}

interface Schedule {
  /** Returns the run at `nowS`, or null in a gap. */
  at(nowS: number): Run | null;
}

function scheduleRuns(options: {
  readonly firstS: number;
  readonly runS: readonly [low: number, high: number];
  readonly gapS: readonly [low: number, high: number];
  readonly tenant: () => Tenant;
  readonly random: Random;
}): Schedule {
  const { runS, gapS, random, tenant } = options;
  const next = (startS: number): Run => ({ startS, endS: startS + between(random, ...runS), tenant: tenant() });
  let run = next(options.firstS);
  return {
    at(nowS) {
      while (nowS >= run.endS) run = next(run.endS + between(random, ...gapS));
      return nowS < run.startS ? null : run;
    },
  };
}

const follow = (schedule: Schedule, work: (into: Demand, sinceS: number, run: Run) => void): Workload => {
  let tenant: Tenant | null = null;
  return {
    get tenant() {
      return tenant;
    },
    demand(into, nowS) {
      const run = schedule.at(nowS);
      tenant = run?.tenant ?? null;
      Object.assign(into, NO_DEMAND);
      if (run !== null) work(into, nowS - run.startS, run);
    },
  };
};

/** One worker of a training job. All workers of a host get equal `gang` streams and so stay in step. */
export function createTraining(options: { host: number; gang: Random; jitter: Random }): Workload {
  const { gang, jitter } = options;
  let job = 0;
  const heldMiB = wholeBetween(gang, 70_000, 74_500);
  const schedule = scheduleRuns({
    firstS: -400,
    runS: [1080, 1500],
    gapS: [60, 150],
    random: gang,
    tenant: () => ({
      container: "trainer",
      pod: `llm-pretrain-${++job}-worker-${options.host}`,
      namespace: "ml-training",
    }),
  });
  return follow(schedule, (into, sinceS) => {
    const loading = Math.min(1, (sinceS + 15) / 75);
    into.heldMiB = heldMiB * loading;
    if (loading < 1) {
      Object.assign(into, { busy: 0.05 * loading, intensity: 0.2, copy: 0.1 * loading });
      return;
    }
    const checkpointing = sinceS % 300 > 268;
    into.busy = checkpointing ? between(jitter, 0.02, 0.12) : between(jitter, 0.95, 1);
    into.intensity = checkpointing ? 0.25 : 0.78 + 0.16 * wave(sinceS, 70) + between(jitter, -0.02, 0.02);
    into.copy = checkpointing ? between(jitter, 0.2, 0.4) : 0.38 + 0.2 * wave(sinceS, 70);
  });
}

/** A replica that serves requests: a drifting base load and bursts. It is replaced from time to time. */
export function createInference(options: {
  readonly service: string;
  readonly heldMiB: number;
  readonly video: boolean;
  /** Maximum share of the card that the replica can use. */
  readonly share: number;
  readonly random: Random;
}): Workload {
  const { service, random, share } = options;
  const replicaSet = podSuffix(random, 10);
  const tenant = () => ({
    container: service,
    pod: `${service}-${replicaSet}-${podSuffix(random, 5)}`,
    namespace: "inference",
  });
  const schedule = scheduleRuns({ firstS: 0, runS: [900, 2400], gapS: [20, 90], random, tenant });
  let base = between(random, 0.1, 0.35);
  let burstLeft = 0;
  return follow(schedule, (into) => {
    base = Math.min(0.5, Math.max(0.02, base + between(random, -0.04, 0.04)));
    if (burstLeft > 0) burstLeft--;
    else if (random() < 0.06) burstLeft = wholeBetween(random, 2, 8);
    const load = burstLeft > 0 ? between(random, 0.75, 0.98) : base + between(random, -0.02, 0.05);
    into.heldMiB = options.heldMiB;
    into.busy = Math.max(0, load) * share;
    into.intensity = 0.55 + 0.2 * load;
    into.copy = into.busy * 0.45;
    into.decode = options.video ? load * 0.6 : 0;
    into.encode = options.video ? load * 0.25 : 0;
  });
}

/** A notebook: holds memory but never computes. */
export function createNotebook(options: { user: string; stays: boolean; heldMiB: number; random: Random }): Workload {
  const { user, stays, heldMiB, random } = options;
  const tenant = { container: "notebook", pod: `jupyter-${user}`, namespace: "research" };
  const runS = stays ? ([1e9, 1e9] as const) : ([400, 700] as const);
  const firstS = stays ? 0 : 300;
  const schedule = scheduleRuns({ firstS, runS, gapS: [300, 600], random, tenant: () => tenant });
  return follow(schedule, (into) => {
    into.heldMiB = heldMiB;
  });
}

/** Short jobs from a queue. An `xid` other than 0 ends the first job, and the GPU keeps reporting the code. */
export function createFineTuning(options: { name: string; xid: number; random: Random }): Workload {
  const { name, random, xid } = options;
  let lastXid = 0;
  const tenant = () => ({
    container: "fine-tune",
    pod: `${name}-${podSuffix(random, 5)}`,
    namespace: "research",
  });
  const heldMiB = wholeBetween(random, 30_000, 52_000);
  const firstS = wholeBetween(random, 0, 120);
  const inner = follow(
    scheduleRuns({ firstS, runS: [480, 840], gapS: [60, 240], random, tenant }),
    (into, sinceS, run) => {
      into.heldMiB = heldMiB * Math.min(1, (sinceS + 15) / 45);
      into.busy = sinceS < 45 ? 0.1 : between(random, 0.82, 0.97);
      into.intensity = 0.7 + 0.1 * wave(sinceS, 110);
      into.copy = into.busy * 0.4;
      if (xid !== 0 && lastXid === 0 && run.endS - run.startS - sinceS < 60) lastXid = xid;
    },
  );
  return {
    get tenant() {
      return lastXid === 0 ? inner.tenant : null;
    },
    demand(into, nowS) {
      inner.demand(into, nowS);
      if (lastXid !== 0) Object.assign(into, NO_DEMAND, { xid: lastXid });
    },
  };
}

/** The workload of a GPU that no pod holds. */
export const idle: Workload = {
  tenant: null,
  demand(into) {
    Object.assign(into, NO_DEMAND);
  },
};
