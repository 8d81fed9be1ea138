/** Describes what never changes in a fleet: hosts, slots for cards, MIG instances, and the lanes in which work runs. */
import { createStream, podSuffix } from "../random.ts";
import { type FleetOptions, MAX_GPUS_PER_HOST } from "./options.ts";

/** A sequence of runs, one at a time, such as the pods on one GPU. */
export interface Lane {
  readonly id: number;
  readonly kind: "pod" | "job";
  /** Number of GPUs from which a run takes some; 1: each run takes the lane's only GPU. */
  readonly gpus: number;
  /** True if each run takes all GPUs. */
  readonly gang: boolean;
}

export interface Instance {
  readonly id: string;
  readonly profile: string;
  readonly lane: Lane;
  /** True if the exporter prints no row of the instance while no pod holds it. */
  readonly quiet: boolean;
}

/** A place for a card. Work, MIG partitioning and time slicing belong to the slot, uuid and counters to the card. */
export interface Slot {
  readonly host: number;
  readonly index: number;
  readonly kind: "whole" | "sliced" | "mig";
  /** True if rows of a sliced GPU carry `vgpu`, the number of the lane in `lanes`. */
  readonly vgpu: boolean;
  /** Empty for MIG. */
  readonly lanes: readonly Lane[];
  /** Empty unless MIG. */
  readonly instances: readonly Instance[];
}

export interface Host {
  readonly number: number;
  /** The name, or `<cluster>:<name>`. */
  readonly id: string;
  /** Hosts of two clusters may have one name. */
  readonly name: string;
  readonly cluster: string | null;
  readonly address: string;
  readonly scrape: "none" | "honor" | "rename";
  readonly model: string;
  readonly totalMiB: number;
  readonly slots: readonly Slot[];
}

/** More than MAX_GPUS_PER_HOST × the seven instances of a card. */
const LANES_PER_HOST = 128;
const LANES_PER_GPU = 8;
const REPLICAS = 3;
const SLURM_LANES = 2;
/** Numbers of a host's lanes that cover several GPUs follow those of its GPUs. */
const SHARED_LANE = LANES_PER_GPU * MAX_GPUS_PER_HOST - SLURM_LANES;

type Plan = "mig" | "sliced" | "slurm" | "single" | "gang";
const PROFILES = ["3g.40gb", "2g.20gb", "1g.10gb"] as const;
const VARIANTS = ["none", "honor", "rename"] as const;

export function createHost(options: FleetOptions, number: number): Host {
  const plans: Plan[] = ["single", "gang"];
  if (options.slurm) plans.unshift("slurm");
  if (options.timeSlicing) plans.unshift("sliced");
  if (options.mig) plans.unshift("mig");
  const plan = plans[number % plans.length]!;
  const { scrape, clusters } = options;
  const cluster = clusters === 0 ? null : `cluster-${(number % clusters) + 1}`;
  const place = clusters === 0 ? number : Math.floor(number / clusters);
  const name = `gpu-node-${String(place + 1).padStart(3, "0")}`;
  return {
    number,
    id: cluster === null ? name : `${cluster}:${name}`,
    name,
    cluster,
    address: `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
    scrape: scrape === "mixed" ? VARIANTS[number % VARIANTS.length]! : scrape,
    model: plan === "sliced" ? "Tesla T4" : "NVIDIA H100 80GB HBM3",
    totalMiB: plan === "sliced" ? 15_360 : 81_559,
    slots: Array.from({ length: options.gpusPerHost }, (_, index) => createSlot(options, number, index, plan)),
  };
}

function createSlot(options: FleetOptions, host: number, index: number, plan: Plan): Slot {
  const lane = (place: number, kind: Lane["kind"] = "pod", gpus = 1, gang = false): Lane => ({
    id: host * LANES_PER_HOST + place,
    kind,
    gpus,
    gang,
  });
  const own = index * LANES_PER_GPU;
  const slot = { host, index, kind: "whole" as Slot["kind"], vgpu: false, lanes: [] as Lane[], instances: [] };
  switch (plan) {
    case "single":
      return { ...slot, lanes: [lane(own)] };
    case "gang":
      return { ...slot, lanes: [lane(SHARED_LANE, "pod", options.gpusPerHost, true)] };
    case "slurm": {
      const lanes = Array.from({ length: SLURM_LANES }, (_, n) => lane(SHARED_LANE + n, "job", options.gpusPerHost));
      return { ...slot, lanes };
    }
    case "sliced": {
      const lanes = Array.from({ length: REPLICAS }, (_, n) => lane(own + n));
      return { ...slot, kind: "sliced", vgpu: index % 2 === 0, lanes };
    }
    case "mig": {
      if (index % 2 === 1) return { ...slot, lanes: [lane(own)] };
      const instances = PROFILES.map((profile, n) => ({
        id: String(n + 7),
        profile,
        lane: lane(own + n),
        quiet: n === PROFILES.length - 1,
      }));
      return { ...slot, kind: "mig", instances };
    }
    default:
      return plan satisfies never;
  }
}

/** Distinguishes the streams of random numbers of different things with equal numbers. */
export const STREAM = { run: 1, long: 2, card: 3, fault: 4, pair: 5, noise: 6, exporter: 7 } as const;

/** The pod that runs a host's exporter in its n-th life. */
export const exporterPod = (seed: number, host: number, life: number): string =>
  `nvidia-dcgm-exporter-${podSuffix(createStream(seed, STREAM.exporter, host, life), 5)}`;
