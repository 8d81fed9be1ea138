/** Names by which queries filter, and what to say about those that nothing has ever had. */
import { nearestNames } from "./nearest.ts";
import { shown } from "./shown.ts";

export type NameKind = "metric" | "hostname" | "model" | "namespace" | "pod" | "job";

export interface NameQuery {
  /** Only names that begin with this text. Default: all. */
  readonly startsWith?: string | undefined;
  /** 1 to 10,000. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/** Returns stored names of a kind, ascending. */
export type AskNames = (kind: NameKind, query: NameQuery) => Promise<readonly string[]>;

export type NamesAsked = Partial<Record<Exclude<NameKind, "metric">, readonly (string | undefined)[]>>;

/** How many names of one request are looked up: a filter may have thousands. */
const LOOKED_UP = 20;
/** How many names a mistyped one is compared with. */
const COMPARED = 1000;

/** Returns names that may be like this one: the first of all, and those with the same beginning if there are more. */
async function candidatesFor(kind: NameKind, name: string, ask: AskNames, signal: AbortSignal | undefined) {
  const first = await ask(kind, { limit: COMPARED, signal });
  if (first.length < COMPARED) return first;
  const startsWith = name.slice(0, Math.ceil(name.length / 2));
  return new Set([...first, ...(await ask(kind, { startsWith, limit: COMPARED, signal }))]);
}

/** Returns a sentence for each name that has never been seen, with the nearest names. */
export async function notesOnUnknown(
  asked: NamesAsked,
  ask: AskNames,
  signal?: AbortSignal | undefined,
): Promise<readonly string[]> {
  const names = Object.entries(asked).flatMap(([kind, given]) =>
    [...new Set(given)].flatMap((name) => (name === undefined ? [] : [{ kind: kind as NameKind, name }])),
  );
  const notes: string[] = [];
  for (const { kind, name } of names.slice(0, LOOKED_UP)) {
    const [found] = await ask(kind, { startsWith: name, limit: 1, signal });
    if (found === name) continue;
    const nearest = nearestNames(name, await candidatesFor(kind, name, ask, signal));
    const hint = nearest.length === 0 ? "" : `; nearest: ${nearest.map(shown).join(", ")}`;
    notes.push(`No ${kind} ${shown(name)} has ever been seen${hint}`);
  }
  return notes;
}
