/** Executes a split document, and yields its answer in parts: first the fields without `@defer`, then the fragments. */
import type { ExecutionRequest, ExecutionResult, Executor, MaybeAsyncIterable } from "@graphql-tools/utils";
import { type DocumentNode, GraphQLError } from "graphql";
import { Mailbox } from "../../platform/process/mailbox.ts";
import { KEYS, type Later, MANY, SPOT, type Split } from "./defer-split.ts";

type Path = (string | number)[];
type Incremental = NonNullable<ExecutionResult["incremental"]>[number];

/** A place in the answer where a deferred fragment belongs. */
interface Spot {
  readonly path: Path;
  readonly key: string;
}

/** Removes the fields that mark deferred fragments, and returns their spots by the number of the fragment. */
function takeSpots(data: unknown, path: Path = [], spots = new Map<number, Spot[]>()): ReadonlyMap<number, Spot[]> {
  if (typeof data !== "object" || data === null) return spots;
  if (Array.isArray(data)) {
    for (const [index, item] of data.entries()) takeSpots(item, [...path, index], spots);
    return spots;
  }
  for (const [name, value] of Object.entries(data)) {
    if (!name.startsWith(SPOT)) takeSpots(value, [...path, name], spots);
    else {
      const number = Number(name.slice(SPOT.length));
      const known = spots.get(number);
      if (known === undefined) spots.set(number, [{ path, key: value }]);
      else known.push({ path, key: value });
      delete (data as Record<string, unknown>)[name];
    }
  }
  return spots;
}

/** Splits the answer for many entities into one part per entity, with its errors and the path of its spot. */
function placeMany({ data, errors = [] }: ExecutionResult, spots: readonly Spot[]): Incremental[] {
  const many: readonly unknown[] = data?.[MANY] ?? [];
  // If all fields of the fragment are skipped, the answer has no entities and no errors.
  const missing = errors.length > 0 ? null : {};
  const placed = spots.map(({ path }, index): Incremental & { errors: GraphQLError[] } => ({
    data: index < many.length ? many[index] : missing,
    path,
    errors: [],
  }));
  for (const error of errors) {
    const [, index, ...rest] = error.path ?? [];
    const part = placed[typeof index === "number" ? index : 0];
    if (part === undefined) continue;
    const path = typeof index === "number" ? [...(part.path ?? []), ...rest] : undefined;
    part.errors.push(new GraphQLError(error.message, { path: path ?? null, extensions: error.extensions }));
  }
  return placed;
}

/**
 * Yields the first part, then at each read all fragments that have arrived since the last one. When the reader stops,
 * the signal of the request aborts, and the queries that still run end.
 */
function inParts(
  first: ExecutionResult,
  later: readonly Promise<Incremental[]>[],
): AsyncIterableIterator<ExecutionResult> {
  const parts = new Mailbox<ExecutionResult>({
    // One place for the first part, and one into which all waiting fragments are merged.
    capacity: 2,
    merge: (waiting, { incremental = [], hasNext = false }) => ({
      incremental: [...(waiting.incremental ?? []), ...incremental],
      hasNext,
    }),
  });
  let due = later.length;
  parts.push({ ...first, hasNext: true });
  for (const fragments of later) {
    void fragments.then((incremental) => {
      due--;
      parts.push({ incremental, hasNext: due > 0 });
      if (due === 0) parts.end();
    });
  }
  return parts;
}

/**
 * Executes the document without its deferred fragments, then each fragment once for all of its spots.
 * @param expose masks the errors of deferred fragments
 */
export async function answerInParts(
  request: ExecutionRequest,
  split: Split,
  { execute, expose }: { execute: Executor; expose: (error: unknown) => GraphQLError },
): Promise<MaybeAsyncIterable<ExecutionResult>> {
  const first = (await execute({ ...request, document: split.now })) as ExecutionResult;
  const ask = async (document: DocumentNode, variables: ExecutionRequest["variables"]): Promise<ExecutionResult> => {
    try {
      const { data, errors } = (await execute({ ...request, document, variables })) as ExecutionResult;
      return errors === undefined ? { data: data ?? {} } : { data, errors: errors.map(expose) };
    } catch (error) {
      return { errors: [expose(error)] };
    }
  };
  const askLater = async ({ document, label, ofEntity }: Later, spots: readonly Spot[]): Promise<Incremental[]> => {
    const variables = ofEntity ? { ...request.variables, [KEYS]: spots.map(({ key }) => key) } : request.variables;
    const result = await ask(document, variables);
    const placed = ofEntity ? placeMany(result, spots) : [{ ...result, path: [] }];
    return placed.map(({ data = null, path = [], errors = [] }) => ({
      data,
      path,
      ...(label !== undefined && { label }),
      ...(errors.length > 0 && { errors }),
    }));
  };
  const later = [...takeSpots(first.data)].flatMap(([number, spots]) => {
    const due = split.later[number];
    return due === undefined ? [] : [askLater(due, spots)];
  });
  return later.length === 0 ? first : inParts(first, later);
}
