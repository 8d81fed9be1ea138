import type { Brand } from "./brand.ts";
import type { Holder, HolderSet } from "./holder.ts";
import { isPrintable } from "./printable.ts";
import { fail, ok, type Result } from "./result.ts";
import { shown } from "./shown.ts";

/**
 * The identity of a GPU: `GPU-<uuid>` as NVML prints it, with lower-case hex digits, or `HOST-<host>-<index>` and
 * `HOST-<cluster>:<host>-<index>` of a GPU whose uuid the source does not have. Of MIG instances: `MIG-<uuid>` if the
 * source does not name the GPU, and the older `MIG-GPU-<uuid>/<gpu instance>/<compute instance>`, which earlier
 * releases stored as GPUs.
 */
export type GpuUuid = Brand<string, "GpuUuid">;

const HEX_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const GPU_UUID = new RegExp(`^(?:(GPU-|MIG-)?(${HEX_UUID})|(MIG-GPU-)(${HEX_UUID}/\\d{1,3}/\\d{1,3}))$`, "i");
/** Host names have up to 253 characters (RFC 1035), and so may the cluster have. The index follows the last `-`. */
const HOST_ID = /^HOST-[^\s/]{1,507}-\d{1,4}$/;
const NIL_UUID = /^(?:GPU|MIG)-[0-]+$/;

/** Describes the accepted text in error messages. */
const GPU_UUID_FORM = "GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, MIG-… or HOST-…";

/**
 * Returns the canonical id. A uuid may be in any case and lack its prefix, as some exporters print it; it is then that
 * of a GPU. Refuses spaces.
 */
export function parseGpuUuid(text: string): Result<GpuUuid> {
  const match = GPU_UUID.exec(text);
  if (match === null) {
    if (HOST_ID.test(text) && isPrintable(text)) return ok(text as GpuUuid);
    return fail(`uuid must be ${GPU_UUID_FORM}, got ${shown(text)}`);
  }
  const prefix = match[1] ?? match[3] ?? "GPU-";
  const digits = match[2] ?? match[4] ?? "";
  return ok((prefix.toUpperCase() + digits.toLowerCase()) as GpuUuid);
}

/** True for a uuid of zeros alone: virtual machines and other vendors' exporters print it for all their GPUs. */
export const isNilUuid = (uuid: GpuUuid): boolean => NIL_UUID.test(uuid);

/** True for the id of a GPU whose uuid the source does not have. */
export const isHostId = (gpu: GpuUuid): boolean => gpu.startsWith("HOST-");

/**
 * Facts about a GPU, or about one of its MIG instances, that a row carries with its reading. A missing fact is null, or
 * empty if it is not nullable. Holders are not facts: several may hold one GPU, and each series names its own.
 */
export interface GpuFacts {
  readonly uuid: GpuUuid;
  /** GPU instance (`GPU_I_ID`) if the row is about one. */
  readonly instance: string | null;
  /** Index on its host as the exporter prints it: "0", "1" … */
  readonly index: string;
  /** Device name: "nvidia0", "nvidia1" … */
  readonly device: string;
  readonly model: string;
  readonly host: string;
  readonly driver: string | null;
  /** `00000000:18:00.0` */
  readonly pciBusId: string | null;
  /** MIG profile of the instance: "1g.10gb". */
  readonly profile: string | null;
  /** Further labels of scrape target and device, by name, in Prometheus notation: `cluster="a",job="dcgm"`. */
  readonly labels: string | null;
}

/** A MIG instance of a GPU, as last seen. */
export interface GpuInstance {
  /** `GPU_I_ID` */
  readonly id: string;
  /** "1g.10gb"; null if no row has named it. */
  readonly profile: string | null;
  /** Open holds of the instance. */
  readonly holders: HolderSet;
}

/**
 * A GPU of the inventory: the facts of its newest sighting, its MIG instances, and the times of its first and last
 * reading (ms since the epoch).
 */
export interface Gpu extends Omit<GpuFacts, "instance" | "profile"> {
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Holders with an open hold of the GPU or of one of its instances. */
  readonly holders: HolderSet;
  /** By id, numerically. Instances that have had no reading for a day before the GPU's newest are left out. */
  readonly instances: readonly GpuInstance[];
}

/**
 * A stretch of time in which a holder held a GPU or one of its MIG instances. `from` and `to` are times of readings
 * (ms since the epoch), both inclusive. Holds of one GPU may overlap.
 */
export interface Hold {
  readonly gpu: GpuUuid;
  /** MIG instance; null: the card. */
  readonly instance: string | null;
  readonly holder: Holder;
  readonly from: number;
  readonly to: number;
  /** False once a reading or a silence has ended the hold, by the GPU's newest reading. */
  readonly isOpen: boolean;
}

/** The holds of one Slurm job, or of all containers and uids of one pod. */
export interface Workload {
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly job: string | null;
  /** From the first to the last of the holds. */
  readonly from: number;
  readonly to: number;
  readonly isOpen: boolean;
  /** By start, then GPU, instance and holder. */
  readonly holds: readonly Hold[];
}

/** A stretch of time in which a GPU was in a slot of a host, both ends inclusive. */
export interface Placement {
  readonly gpu: GpuUuid;
  readonly host: string;
  readonly index: string;
  readonly from: number;
  readonly to: number;
  /** True while no reading says that the GPU has moved, or that another card has taken the slot. */
  readonly isCurrent: boolean;
}

export interface Host {
  readonly hostname: string;
  /** GPUs that are in the host now, lost ones included. */
  readonly gpus: number;
  /** GPUs without a reading for 5 of their usual intervals while another GPU of the host reports. */
  readonly lost: number;
  readonly lastSeen: number;
}
