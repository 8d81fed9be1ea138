/** The targets of a configuration: those that it names, and those that sources list. */
import { isOwnTarget, type Shard } from "./shards.ts";
import type { Target } from "./target.ts";
import type { TargetSource } from "./target-source.ts";

export interface TargetChanges {
  readonly added: readonly Target[];
  readonly removed: readonly Target[];
  /** By name of a source: why its list is not that of now. Its last good list stays in force. Named once. */
  readonly problems: ReadonlyMap<string, string>;
}

export class TargetList {
  readonly #fixed: readonly Target[];
  readonly #sources: readonly TargetSource[];
  readonly #shard: Shard;
  readonly #problems = new Map<string, string>();
  #current: ReadonlyMap<string, Target> = new Map();

  /** @param given `sources`: the caller follows them; `shard`: only its targets are listed */
  constructor(given: { targets: readonly Target[]; sources: readonly TargetSource[]; shard: Shard }) {
    this.#fixed = given.targets;
    this.#sources = given.sources;
    this.#shard = given.shard;
  }

  get targets(): readonly Target[] {
    return [...this.#current.values()];
  }

  /** Sources whose lists are not those of now, with the reasons, as of the last refresh. */
  get problems(): ReadonlyMap<string, string> {
    return this.#problems;
  }

  /** Looks that gave no list. */
  get failures(): number {
    return this.#sources.reduce((sum, { failures }) => sum + failures, 0);
  }

  /** Takes the lists of the sources. Returns the changes since the last call; the first call adds every target. */
  refresh(): TargetChanges {
    const problems = new Map<string, string>();
    for (const { name, problem } of this.#sources) {
      if (problem !== undefined && problem !== this.#problems.get(name)) problems.set(name, problem);
      if (problem === undefined) this.#problems.delete(name);
      else this.#problems.set(name, problem);
    }
    const all = [...this.#fixed, ...this.#sources.flatMap(({ targets }) => targets)];
    const own = all.filter((target) => isOwnTarget(target, this.#shard));
    const next = new Map(own.map((target) => [target.key, target]));
    const added = [...next.values()].filter(({ key }) => !this.#current.has(key));
    const removed = [...this.#current.values()].filter(({ key }) => !next.has(key));
    this.#current = next;
    return { added, removed, problems };
  }
}
