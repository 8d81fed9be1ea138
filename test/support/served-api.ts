/** The real API in a process of its own, on either runtime. */
import { join } from "node:path";
import type { ApiConfig } from "../../services/api-gateway/config.ts";
import { addressOf, onRuntime, startProgram } from "./process.ts";

export async function serveApiOn(runtime: "bun" | "deno", config: Partial<ApiConfig>) {
  const file = join(import.meta.dir, "api-program.ts");
  const program = startProgram(onRuntime(runtime, file, JSON.stringify(config)));
  return { url: await addressOf(program), program, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}
