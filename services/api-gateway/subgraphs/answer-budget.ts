/**
 * Limits the bytes of the answers that remote subgraphs give: of all answers to one request of the gateway, and of all
 * requests that are under way in the process.
 */
import { AppError } from "../../../schema/model/errors.ts";
import type { RowCall, RowField } from "../../platform/graphql/row-lists.ts";
import { ROW_LISTS_MEDIA } from "../../platform/graphql/server.ts";
import { perRequest, type SubgraphContext } from "../../platform/graphql/subgraph.ts";
import { UnderWay } from "../../platform/graphql/under-way.ts";
import type { Clock } from "../../platform/process/clock.ts";
import { columnsOfText } from "./received-rows.ts";

/** Twice the size of an answer that uses up the budget of readings of a request, with the GPUs. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MiB = 1024 * 1024;
/** What a byte of text counts as: it is parsed into objects, which are copied, and written again. */
const PARSED = 4;
/** The bytes that are read of an answer of unknown length before it counts as a large one. */
const FIRST_BYTES = MiB / 2;
/** What a large answer is expected to have. The largest with row lists have 25 MB. */
const LARGE_BYTES = 32 * MiB;
const NEW_LINE = 10;

/**
 * Of 512 MiB that the chart gives the gateway: 100 MiB are taken when it is idle, and a byte of an answer takes three
 * or four until its garbage is collected. Two of the largest answers fit at once.
 */
export const createBytesUnderWay = (clock: Clock): UnderWay =>
  new UnderWay({ noun: "bytes", small: 4 * MiB, allSmall: 32 * MiB, allLarge: 64 * MiB, clock });

const budgetOf = perRequest(() => ({ bytes: MAX_ANSWER_BYTES }));

const tooLarge = () =>
  new AppError("The answer is too large: ask for fewer GPUs or fields, or lower the limits", { code: "too_large" });

type Chunks = AsyncIterable<Uint8Array<ArrayBuffer>>;

/**
 * Yields the body, and deducts its bytes from the budget.
 * @param grow waits for the room of a large answer
 */
async function* bounded(response: Response, budget: { bytes: number }, grow: () => Promise<void>): Chunks {
  if (response.body === null) return;
  let size = 0;
  for await (const chunk of response.body as unknown as Chunks) {
    if (chunk.byteLength > budget.bytes) {
      budget.bytes = 0;
      throw tooLarge();
    }
    if (size <= FIRST_BYTES && size + chunk.byteLength > FIRST_BYTES) await grow();
    size += chunk.byteLength;
    budget.bytes -= chunk.byteLength;
    yield chunk;
  }
}

const textOf = (pieces: readonly Uint8Array[]): string => Buffer.concat(pieces).toString();

/** Splits the body into its lines, without copying them. @throws Error if the last line does not end */
async function linesOf(chunks: Chunks): Promise<Uint8Array[][]> {
  const lines: Uint8Array[][] = [];
  let line: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEW_LINE); end !== -1; end = chunk.indexOf(NEW_LINE, start)) {
      line.push(chunk.subarray(start, end));
      lines.push(line);
      line = [];
      start = end + 1;
    }
    if (start < chunk.length) line.push(chunk.subarray(start));
  }
  if (line.length > 0) throw new Error("The answer ended within a line");
  return lines;
}

/** Reads an answer whose lists follow its text: keeps the lists as they are, and returns the text. */
async function readLists(chunks: Chunks, call: RowCall): Promise<string> {
  const [heads = [], text = [], ...lists] = await linesOf(chunks);
  const fields = JSON.parse(textOf(heads)) as RowField[][];
  if (fields.length !== lists.length) throw new Error("The answer ended before its last list");
  fields.forEach((own, index) => void call.lists.push(columnsOfText(own, lists[index] ?? [])));
  return textOf(text);
}

/**
 * Returns the text of an answer, when the process has room for it. Its row lists are added to `call`.
 * @throws AppError `too_large` when the budget of the request is exceeded; `overloaded` if there is no room in time
 */
export async function readAnswer(
  response: Response,
  context: SubgraphContext,
  { underWay, call }: { underWay: UnderWay; call: RowCall | null },
): Promise<string> {
  const budget = budgetOf(context);
  const { answer, signal } = context;
  const length = response.headers.get("content-length");
  const hasLists = call !== null && response.headers.get("content-type") === ROW_LISTS_MEDIA;
  const before = budget.bytes;
  if (length !== null && Number(length) > before) {
    budget.bytes = 0;
    await response.body?.cancel();
    throw tooLarge();
  }
  const weight = hasLists ? 1 : PARSED;
  const share = underWay.shareOf(answer);
  const read = await share?.take(weight * Number(length ?? FIRST_BYTES), weight * LARGE_BYTES, { signal });
  let grown: ((read: number) => void) | undefined;
  const chunks = bounded(response, budget, async () => {
    if (length === null) grown = await share?.take(weight * LARGE_BYTES, weight * LARGE_BYTES, { signal });
  });
  try {
    if (hasLists) return await readLists(chunks, call);
    // Both runtimes make sure that the body is no longer than its content-length.
    if (length === null) return textOf(await Array.fromAsync(chunks));
    budget.bytes -= Number(length);
    return await response.text();
  } finally {
    read?.(weight * (before - budget.bytes));
    grown?.(0);
  }
}
