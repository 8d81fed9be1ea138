/** Creates the fleet: the GPUs of each host, their workloads, and their problems. */
import {
  type Card,
  type CardTraits,
  createCard,
  type Demand,
  INSTANCE_MEMORY,
  INSTANCE_SLICES,
  NO_DEMAND,
  WHOLE_MEMORY,
} from "./card.ts";
import { between, createStream, hex, type Random, serialNumber, wholeBetween } from "./random.ts";
import { createFineTuning, createInference, createNotebook, createTraining, idle, type Workload } from "./workload.ts";

export const MODEL = "NVIDIA H100 80GB HBM3";
export const DRIVER = "550.90.07";

/** A MIG instance, as named in the exporter's labels. */
interface Instance {
  readonly id: string;
  readonly profile: string;
}

export interface Gpu {
  readonly index: number;
  readonly uuid: string;
  readonly host: string;
  /** The MIG instance that the readings belong to; null without MIG. */
  readonly instance: Instance | null;
  readonly card: Card;
  readonly workload: Workload;
  advance(nowS: number, elapsedS: number): void;
}

export const MAX_GPUS_PER_HOST = 16;

export interface FleetSize {
  readonly hosts: number;
  readonly gpusPerHost: number;
}

/** The plans repeat every three hosts: one for training, one for inference, one shared by people. */
type Role =
  | "training"
  | "hot"
  | "throttled"
  | "serving"
  | "video"
  | "instance"
  | "held"
  | "visited"
  | "tuning"
  | "xid"
  | "idle";

const TRAINING: readonly Role[] = [
  "training",
  "training",
  "hot",
  "training",
  "training",
  "throttled",
  "training",
  "training",
];
const SERVING: readonly Role[] = ["serving", "serving", "serving", "instance", "video", "serving", "serving", "idle"];
const SHARED: readonly Role[] = ["held", "idle", "tuning", "xid", "idle", "visited", "tuning", "idle"];
const HOST_PLANS = [TRAINING, SERVING, SHARED] as const;

const INSTANCE: Instance = { id: "1", profile: "3g.40gb" };

/** XID 94, a contained memory error: the driver stops the program that hit it. */
const CONTAINED_MEMORY_ERROR = 94;

/** Returns the GPUs in the order of the rows: by host, then by index. */
export function createFleet(size: FleetSize, seed: number): Gpu[] {
  const gpus: Gpu[] = [];
  for (let host = 0; host < size.hosts; host++) {
    const plan = HOST_PLANS[host % HOST_PLANS.length]!;
    for (let index = 0; index < size.gpusPerHost; index++) {
      gpus.push(createGpu(host, index, plan[index % plan.length]!, seed));
    }
  }
  return gpus;
}

function createGpu(host: number, index: number, role: Role, seed: number): Gpu {
  const random = createStream(seed, host, index);
  const digits = [4, 4, 4, 12].map((length) => hex(random, length));
  const uuid = `GPU-${[serialNumber(seed, host * MAX_GPUS_PER_HOST + index), ...digits].join("-")}`;
  const card = createCard(traitsOf(role, random), random);
  const workload = workloadOf(role, host, index, random, createStream(seed, host));
  const demand: Demand = { ...NO_DEMAND };
  return {
    index,
    uuid,
    host: `gpu-node-${String(host + 1).padStart(3, "0")}`,
    instance: role === "instance" ? INSTANCE : null,
    card,
    workload,
    advance(nowS, elapsedS) {
      workload.demand(demand, nowS);
      card.advance(demand, nowS, elapsedS);
    },
  };
}

function traitsOf(role: Role, random: Random): CardTraits {
  const inletC = between(random, 24, 28);
  const celsiusPerWatt = between(random, 0.045, 0.06);
  return {
    inletC: role === "hot" ? 31 : inletC,
    celsiusPerWatt: role === "hot" ? 0.094 : celsiusPerWatt,
    powerLimitW: role === "throttled" ? 600 : 700,
    brakeW: 420,
    brakeS: role === "throttled" ? [480, 1020] : null,
    memory: role === "instance" ? INSTANCE_MEMORY : WHOLE_MEMORY,
  };
}

function workloadOf(role: Role, host: number, index: number, random: Random, gang: Random): Workload {
  switch (role) {
    case "training":
    case "hot":
    case "throttled":
      return createTraining({ host, gang, jitter: random });
    case "serving":
      return createInference({ service: "chat-serving", heldMiB: 72_099, video: false, share: 1, random });
    case "video":
      return createInference({ service: "video-captions", heldMiB: 41_230, video: true, share: 0.8, random });
    case "instance":
      return createInference({ service: "embeddings", heldMiB: 18_512, video: false, share: INSTANCE_SLICES, random });
    case "held":
      return createNotebook({ user: `user-${host}${index}`, stays: true, heldMiB: 24_649, random });
    case "visited":
      return createNotebook({ user: `user-${host}${index}`, stays: false, heldMiB: 9_135, random });
    case "tuning":
      return createFineTuning({ name: `fine-tune-${wholeBetween(random, 10, 99)}`, xid: 0, random });
    case "xid":
      return createFineTuning({ name: "fine-tune-llama", xid: CONTAINED_MEMORY_ERROR, random });
    case "idle":
      return idle;
    default:
      return role satisfies never;
  }
}
