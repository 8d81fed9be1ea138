/** The API in a process of its own, on Bun or Deno. */
import { join } from "node:path";
import type { ApiConfig } from "../../../services/api-gateway/config.ts";
import { addressOf, onRuntime, startProgram } from "../programs/process.ts";

export interface ServedOptions {
  readonly gpus?: number;
  readonly ticks?: number;
  readonly config?: Partial<ApiConfig>;
  /** Speed of its clock, relative to the system's. Default: 1. */
  readonly speed?: number;
  /** Frames that its live feed sends: their size and interval. */
  readonly tell?: { readonly everyMs: number; readonly readings: number };
}

export async function serveApiOn(runtime: "bun" | "deno", options: ServedOptions) {
  const file = join(import.meta.dir, "api-program.ts");
  const program = startProgram(onRuntime(runtime, file, JSON.stringify(options)));
  return { url: await addressOf(program), program, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}
