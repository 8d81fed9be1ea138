/** Targets that a file lists in the form of Prometheus' file_sd. */
import { readFile, stat } from "node:fs/promises";
import { shown } from "../../../schema/model/shown.ts";
import type { Target } from "./target.ts";
import { MAX_LIST_BYTES, parseTargetGroups } from "./target-groups.ts";
import type { TargetSource } from "./target-source.ts";

/** How often the file is read again. Prometheus looks every 5 minutes, and at once where it is notified. */
const REFRESH_MS = 5000;

export class FileTargets implements TargetSource {
  /** The file's path. */
  readonly name: string;
  targets: readonly Target[] = [];
  problem: string | undefined;
  failures = 0;
  #text: string | undefined;

  constructor(path: string) {
    this.name = path;
  }

  async follow({ clock, changed, signal }: Parameters<TargetSource["follow"]>[0]): Promise<void> {
    while (!signal.aborted) {
      if (await this.look()) changed();
      await clock.sleep(REFRESH_MS, { signal });
    }
  }

  /**
   * Reads the file; returns true if it has changed. It is compared by content: a mounted ConfigMap is replaced as a
   * whole, without a notification for its files.
   */
  async look(): Promise<boolean> {
    const before = { problem: this.problem, targets: this.targets };
    await this.#read();
    if (this.problem !== undefined && this.problem !== before.problem) this.failures++;
    return this.problem !== before.problem || this.targets !== before.targets;
  }

  async #read(): Promise<void> {
    try {
      const { size } = await stat(this.name);
      if (size > MAX_LIST_BYTES) {
        this.problem = `file must have at most ${MAX_LIST_BYTES} bytes, got ${size}`;
        return;
      }
      const text = await readFile(this.name, "utf8");
      if (text === this.#text) return;
      this.#text = text;
      const parsed = parseTargetGroups(text, { isJson: this.name.endsWith(".json") });
      if (parsed.ok) this.targets = parsed.value;
      this.problem = parsed.ok ? undefined : parsed.error;
    } catch (error) {
      this.#text = undefined;
      this.problem = `file must be readable, got ${shown(error instanceof Error ? error.message : String(error))}`;
    }
  }
}
