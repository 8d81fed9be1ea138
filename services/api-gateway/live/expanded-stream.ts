/** Puts row lists into answers in parts and into events: in place of their stand-ins in each piece of the stream. */
import type { RowLists } from "../../platform/graphql/row-lists.ts";
import { piecesOf } from "../../platform/http/paced-body.ts";

/** The header of a part, which yoga sends as a piece of its own, with the length of the text with stand-ins. */
const LENGTH = "Content-Length: ";

type Source = ReadableStreamDefaultReader<Uint8Array>;

async function* expanded(source: Source, rows: RowLists): AsyncGenerator<Uint8Array> {
  /** The length and what follows it, until the text of the part comes. */
  let held: Uint8Array[] = [];
  for (;;) {
    const { done, value: piece } = await source.read();
    if (done) break;
    const text = Buffer.from(piece).toString();
    if (text.startsWith(LENGTH) || (held.length > 0 && text.trim() === "")) {
      held.push(piece);
      continue;
    }
    const parts = rows.isEmpty ? [piece] : [...piecesOf(rows.expand(text))];
    if (held.length > 0) {
      const length = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
      yield Buffer.from(`${LENGTH}${length}`);
      yield* held.slice(1);
      held = [];
    }
    yield* parts;
  }
  yield* held;
}

/** Returns the response with the lists in place of their stand-ins. */
export function expandStream(response: Response, rows: RowLists): Response {
  if (response.body === null) return response;
  const source = response.body.getReader();
  const pieces = expanded(source, rows);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => source.cancel(),
    },
    { highWaterMark: 0 },
  );
  return new Response(body, response);
}
