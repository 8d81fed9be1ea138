/** Merges the dead letters of all partitions into one list, in the order of their deaths. */
import { checkDeadLetterPage, checkIds } from "../arguments.ts";
import { type DeadLetter, type DeadLetterPage, type DeadLetters, MAX_PAGE_BYTES } from "../port.ts";
import type { Partition } from "./partition.ts";
import { parseName, sizeOf } from "./receipt.ts";

interface Listed {
  readonly partition: Partition;
  readonly id: string;
  /** Order of death × number of partitions + number of the partition: unique in the queue. */
  readonly order: number;
}

export class RedisDeadLetters implements DeadLetters {
  readonly #partitions: readonly Partition[];
  /** Called after letters have returned to `ready`. */
  readonly #onRedriven: (partition: Partition) => void;

  constructor(partitions: readonly Partition[], onRedriven: (partition: Partition) => void) {
    this.#partitions = partitions;
    this.#onRedriven = onRedriven;
  }

  async list(options: { limit: number; after?: string | undefined }): Promise<DeadLetterPage> {
    const after = checkDeadLetterPage(options);
    const { limit } = options;
    // One letter more than the limit shows whether another page follows.
    const shelves = await Promise.all(this.#partitions.map((partition) => this.#shelf(partition, limit + 1, after)));
    const all = shelves.flatMap(({ listed }) => listed).sort((a, b) => a.order - b.order);
    const page = all.slice(0, limit);
    let bytes = 0;
    const end = page.findIndex(({ id }, index) => {
      bytes += sizeOf(id);
      return index > 0 && bytes > MAX_PAGE_BYTES;
    });
    if (end > 0) page.length = end;
    const letters = await this.#read(page);
    return {
      letters,
      total: shelves.reduce((sum, { total }) => sum + total, 0),
      next: page.length === all.length ? null : String(page.at(-1)?.order),
    };
  }

  async redrive(ids?: readonly string[]): Promise<number> {
    return await this.#act("redrive", ids, this.#onRedriven);
  }

  async purge(ids?: readonly string[]): Promise<number> {
    return await this.#act("purge", ids, () => {});
  }

  async #shelf(partition: Partition, limit: number, after: number): Promise<{ total: number; listed: Listed[] }> {
    const { length } = this.#partitions;
    const args = [Math.floor((after - partition.number) / length), limit];
    const [total, found] = (await partition.ask("list", args)) as readonly [number, readonly Buffer[]];
    const listed = found.flatMap((id, index) => {
      if (index % 2 === 1) return [];
      return [{ partition, id: String(id), order: Number(found[index + 1]) * length + partition.number }];
    });
    return { total, listed };
  }

  /** Reads the letters in the given order. Leaves out letters that were redriven or deleted meanwhile. */
  async #read(page: readonly Listed[]): Promise<DeadLetter[]> {
    const letters = new Map<Listed, DeadLetter>();
    await Promise.all(
      this.#partitions.map(async (partition) => {
        const own = page.filter((listed) => listed.partition === partition);
        if (own.length === 0) return;
        const found = await partition.letters(own.map(({ id }) => id));
        for (const [index, listed] of own.entries()) {
          const letter = found[index];
          if (letter !== undefined && letter !== null) letters.set(listed, letter);
        }
      }),
    );
    return page.flatMap((listed) => letters.get(listed) ?? []);
  }

  async #act(
    script: "redrive" | "purge",
    ids: readonly string[] | undefined,
    onActed: (partition: Partition) => void,
  ): Promise<number> {
    checkIds(ids);
    const names = ids?.map(parseName);
    let count = 0;
    for (const partition of this.#partitions) {
      const own = names?.flatMap((name) => (name?.partition === partition.number ? [name.id] : []));
      if (own?.length === 0) continue;
      const given = own === undefined ? "" : JSON.stringify(own);
      let [upTo, more] = ["", true];
      while (more) {
        const reply = await partition.ask(script, [given, upTo]);
        const acted = Number(reply[0]);
        more = reply[1] === 1;
        upTo = (reply[2] ?? "").toString();
        count += acted;
        if (acted > 0) onActed(partition);
      }
    }
    return count;
  }
}
