/** Reads from the environment which sources to read. */
import { fileURLToPath } from "node:url";
import { type Env, parseEnv, text } from "../platform/process/env.ts";

export interface SourcesConfig {
  readonly kind: "files";
  /** Files, directories or globs. */
  readonly paths: readonly string[];
}

const SAMPLE = fileURLToPath(new URL("../../data/sample.csv.gz", import.meta.url));

/** @throws ConfigError with every problem found */
export function readSourcesConfig(env: Env): SourcesConfig {
  return { kind: "files", paths: [parseEnv(env, { CSV_PATH: text().default(SAMPLE) }).CSV_PATH] };
}
