import type { Brand } from "./brand.ts";
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

/** Facts about a GPU that a row carries with its reading. A missing fact is null, or empty if it is not nullable. */
export interface GpuFacts {
  readonly uuid: GpuUuid;
  /** Index on its host as the exporter prints it: "0", "1" … */
  readonly index: string;
  /** Device name: "nvidia0", "nvidia1" … */
  readonly device: string;
  readonly model: string;
  readonly host: string;
  readonly driver: string | null;
  readonly container: string | null;
  readonly pod: string | null;
  readonly namespace: string | null;
}

/** A GPU of the inventory: its newest facts, and the times of its first and last reading (ms since the epoch). */
export interface Gpu extends GpuFacts {
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** The pod that held a GPU. `from` and `to` are times of readings (ms since the epoch), both inclusive. */
export interface Attribution {
  readonly gpu: GpuUuid;
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly container: string | null;
  readonly from: number;
  readonly to: number;
}

export interface Host {
  readonly hostname: string;
  readonly gpus: number;
  readonly lastSeen: number;
}
