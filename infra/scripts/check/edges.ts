/** Reads the allowed imports between rooms from services/LAYERS.md, which explains rooms and the table's notation. */

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  schema: ["schema/model/", "schema/dcgm/", "schema/batch/"],
  runtime: ["schema/model/", "services/platform/process/"],
};

/** `queue/port.ts` → `services/queue/port.ts`; `type queue/open.ts` keeps its prefix. */
function expand(entry: string): string {
  const [, prefix = "", path = ""] = /^(type )?(.*)$/.exec(entry) ?? [];
  return `${prefix}${/^(schema|infra|data)\//.test(path) ? "" : "services/"}${path}`;
}

/** @throws Error for a word that is neither a path in backquotes nor a group */
function parseEntries(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`|(\S+)/g)].flatMap(([word, path, group]) => {
    if (path !== undefined) return [expand(path)];
    const entries = GROUPS[group ?? ""];
    if (entries === undefined) throw new Error(`services/LAYERS.md: entry must be a path or a group, got ${word}`);
    return entries;
  });
}

export class Edges {
  /** Room → what its files may import, in the order of the table. */
  readonly rows: ReadonlyMap<string, readonly string[]>;
  /** Longest first, so that the first match is the most specific. */
  readonly #rooms: readonly string[];

  /** @param document text of services/LAYERS.md */
  constructor(document: string) {
    this.rows = new Map(
      [...document.matchAll(/^\| `([^`]+)` *\|([^|]*)\|$/gm)].map(([, room = "", cell = ""]) => [
        expand(room),
        parseEntries(cell),
      ]),
    );
    this.#rooms = [...this.rows.keys()].sort((a, b) => b.length - a.length);
  }

  /** The room of a repository path; null for a file that no row covers, such as a test. */
  roomOf(path: string): string | null {
    return this.#rooms.find((room) => (room.endsWith("/") ? path.startsWith(room) : path === room)) ?? null;
  }

  /** The entry of `room`'s row that lets its files import `target`, a repository path; null when none does. */
  entryFor(room: string, target: string, typeOnly: boolean): string | null {
    const names = [target, this.roomOf(target)].filter((name) => name !== null);
    if (names.includes(room)) return room;
    const allowed = this.rows.get(room) ?? [];
    const accepted = typeOnly ? names.flatMap((name) => [name, `type ${name}`]) : names;
    return accepted.find((name) => allowed.includes(name)) ?? null;
  }
}
