/**
 * Lets one process at a time stream a source into a store. Each process has a queue of its own, so the queue cannot
 * fence the other one. A lock is a file beside the store with the process that holds it; for MongoDB it is in the
 * system's temporary folder, so processes on other machines are not noticed. Where no file can be written, there is no
 * lock.
 */
import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { AppError } from "../../schema/model/errors.ts";
import type { ProducerQueue } from "../queue/port.ts";
import type { RepositoryConfig } from "../repository/open.ts";
import { storePlace } from "./config.ts";

interface Holder {
  readonly pid: number;
  /** Tells the process from a later one with the same id; empty where the system does not tell. */
  readonly birth: string;
  /** For the message: the program, and its address if it has one. */
  readonly program: string;
  readonly since: string;
}

/** When the process was started, in clock ticks since boot (proc(5), field 22 of stat). */
function birthOf(pid: number): string {
  try {
    return (
      readFileSync(`/proc/${pid}/stat`, "latin1")
        .replace(/^.*\) /s, "")
        .split(" ")[19] ?? ""
    );
  } catch {
    return "";
  }
}

function isAlive({ pid, birth }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return birthOf(pid) === birth;
}

/** Undefined if the file is gone. */
function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

/** The name of the source without its times, because live and recorded readings come from the same source. */
const sourceOf = (producer: string): string => producer.replace(/\?live(?=@\d+\/\d+$)/, "");

/** Attempts to take a lock whose holder is gone. */
const ATTEMPTS = 3;

export class FeedLocks implements Disposable {
  readonly #folder: string;
  readonly #store: string;
  readonly #program: string;
  readonly #held = new Set<string>();

  /** @param program describes this process for others */
  constructor(store: RepositoryConfig, program: string) {
    const file = store.kind === "sqlite" ? resolve(store.path) : null;
    this.#folder = join(file === null ? join(tmpdir(), "gpu-telemetry") : dirname(file), ".feeds");
    this.#store = file ?? storePlace(store);
    this.#program = program;
  }

  /** Returns the queue, whose producers are locked when they are opened. */
  guard(queue: ProducerQueue): ProducerQueue {
    return {
      openProducer: async (producer, options) => {
        this.#take(sourceOf(producer));
        return await queue.openProducer(producer, options);
      },
      publish: (batches, from) => queue.publish(batches, from),
    };
  }

  /** @throws AppError `conflict` if another process streams the source into this store */
  #take(source: string): void {
    const name = createHash("sha256").update(`${this.#store}\n${source}`).digest("hex").slice(0, 32);
    const path = join(this.#folder, name);
    if (this.#held.has(path)) return;
    const own = `${path}.${process.pid}`;
    if (!this.#describe(own)) return;
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (this.#link(own, path)) return;
        const other = readHolder(path);
        if (other !== undefined && isAlive(other)) throw this.#conflict(source, other);
        rmSync(path, { force: true });
      }
      throw new AppError(`Cannot lock ${path}`, { code: "unavailable" });
    } finally {
      rmSync(own, { force: true });
    }
  }

  /** Writes the file that the lock will be. Returns false if the folder is not writable. */
  #describe(own: string): boolean {
    const { pid } = process;
    const holder: Holder = { pid, birth: birthOf(pid), program: this.#program, since: new Date().toISOString() };
    try {
      mkdirSync(this.#folder, { recursive: true });
      writeFileSync(own, JSON.stringify(holder));
      return true;
    } catch {
      return false;
    }
  }

  /** A link makes the lock appear with its content in one step. Returns false if the lock exists. */
  #link(own: string, path: string): boolean {
    try {
      linkSync(own, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    }
    this.#held.add(path);
    return true;
  }

  #conflict(source: string, { pid, program, since }: Holder): AppError {
    const [name] = source.split(/@\d+\/\d+$/);
    return new AppError(
      `${name} is already streamed into ${this.#store} by process ${pid} (${program}, since ${since}): ` +
        "stop that process, or set CSV_PATH=none to serve the store without streaming",
      { code: "conflict" },
    );
  }

  [Symbol.dispose](): void {
    for (const path of this.#held) rmSync(path, { force: true });
    this.#held.clear();
  }
}
