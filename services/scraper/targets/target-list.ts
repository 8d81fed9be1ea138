/** The targets of a configuration: those that it names, and those of files, which are read again when they change. */
import { readFile, stat } from "node:fs/promises";
import { shown } from "../../../schema/model/shown.ts";
import { isOwnTarget, type Shard } from "./shards.ts";
import type { Target } from "./target.ts";
import { parseTargetGroups } from "./target-groups.ts";

/** A list of 20,000 targets with a dozen labels each has less. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

interface KnownFile {
  text: string | undefined;
  targets: readonly Target[];
  problem: string | undefined;
}

export interface TargetChanges {
  readonly added: readonly Target[];
  readonly removed: readonly Target[];
  /** Files that cannot be read or have mistakes, by path; their last good lists stay in force. Named once. */
  readonly problems: ReadonlyMap<string, string>;
}

export class TargetList {
  readonly #fixed: readonly Target[];
  readonly #files: ReadonlyMap<string, KnownFile>;
  readonly #shard: Shard;
  #current: ReadonlyMap<string, Target> = new Map();

  /** @param given `shard`: only its targets are listed */
  constructor(given: { targets: readonly Target[]; files: readonly string[]; shard: Shard }) {
    const { targets, files, shard } = given;
    this.#shard = shard;
    this.#fixed = targets;
    this.#files = new Map(files.map((path) => [path, { text: undefined, targets: [], problem: undefined }]));
  }

  get targets(): readonly Target[] {
    return [...this.#current.values()];
  }

  /** Reads the files again. Returns the changes since the last call; the first call adds every target. */
  async refresh(): Promise<TargetChanges> {
    const problems = new Map<string, string>();
    for (const [path, file] of this.#files) {
      const before = file.problem;
      await refreshFile(path, file);
      if (file.problem !== undefined && file.problem !== before) problems.set(path, file.problem);
    }
    const all = [...this.#fixed, ...[...this.#files.values()].flatMap(({ targets }) => targets)];
    const own = all.filter((target) => isOwnTarget(target, this.#shard));
    const next = new Map(own.map((target) => [target.key, target]));
    const added = [...next.values()].filter(({ key }) => !this.#current.has(key));
    const removed = [...this.#current.values()].filter(({ key }) => !next.has(key));
    this.#current = next;
    return { added, removed, problems };
  }
}

/** Files are compared by content: a mounted ConfigMap is replaced as a whole, without a notification for its files. */
async function refreshFile(path: string, file: KnownFile): Promise<void> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) {
      file.problem = `file must have at most ${MAX_FILE_BYTES} bytes, got ${size}`;
      return;
    }
    const text = await readFile(path, "utf8");
    if (text === file.text) return;
    file.text = text;
    const parsed = parseTargetGroups(text, { isJson: path.endsWith(".json") });
    if (parsed.ok) file.targets = parsed.value;
    file.problem = parsed.ok ? undefined : parsed.error;
  } catch (error) {
    file.text = undefined;
    file.problem = `file must be readable, got ${shown(error instanceof Error ? error.message : String(error))}`;
  }
}
