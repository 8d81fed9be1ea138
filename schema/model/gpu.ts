import type { Brand } from "./brand.ts";
import { fail, ok, type Result } from "./result.ts";
import { shown } from "./shown.ts";

/**
 * A GPU's or MIG instance's identity as NVML prints it: `GPU-<uuid>`, `MIG-<uuid>`, or the older
 * `MIG-GPU-<uuid>/<gpu instance>/<compute instance>`. Hex digits are lower case in the canonical form.
 */
export type GpuUuid = Brand<string, "GpuUuid">;

const HEX_UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
const GPU_UUID = new RegExp(`^(GPU-|MIG-)(${HEX_UUID})$|^(MIG-GPU-)(${HEX_UUID}/\\d{1,3}/\\d{1,3})$`);

/** For messages: what is accepted. */
const GPU_UUID_FORM = "GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx or MIG-…";

/** The canonical uuid, or why the text is none. Spaces and a lower-case prefix are refused, not repaired. */
export function parseGpuUuid(text: string): Result<GpuUuid> {
  const match = GPU_UUID.exec(text);
  if (match === null) return fail(`uuid must be ${GPU_UUID_FORM}, got ${shown(text)}`);
  const prefix = match[1] ?? match[3] ?? "";
  const digits = match[2] ?? match[4] ?? "";
  return ok((prefix + digits.toLowerCase()) as GpuUuid);
}

/** What a row says of a GPU beside its reading. Empty text in the source is unknown, and unknown is null. */
export interface GpuFacts {
  readonly uuid: GpuUuid;
  /** Index on its host as the exporter prints it: "0" … */
  readonly index: string;
  /** Device name: "nvidia0" … */
  readonly device: string;
  readonly model: string;
  readonly host: string;
  readonly driver: string | null;
  readonly container: string | null;
  readonly pod: string | null;
  readonly namespace: string | null;
}

/** A GPU as the inventory knows it: the newest facts, and when it was first and last seen (ms since the epoch, from the source). */
export interface Gpu extends GpuFacts {
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** Who held a GPU, from when to when (ms since the epoch; both ends are times of readings, so both inclusive). */
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
