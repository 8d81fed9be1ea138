/** Sends a body at the pace of its reader, and cuts off a reader that takes nothing. */
import type { Clock } from "../process/clock.ts";
import { pacedPieces } from "./paced-pieces.ts";

/** A reader that takes no piece for this long is cut off, as a reader of a stream is. */
const PATIENCE_MS = 30_000;
/** An answer holds its place until its reader has taken it: one of 25 MB for at most seven minutes. */
const LEAST_BYTES_PER_S = 64 * 1024;
/** The least that a reader takes at once. */
const PIECE_BYTES = 256 * 1024;

type Piece = Uint8Array<ArrayBuffer>;

export interface PacedOptions {
  readonly clock: Clock;
  /** Called once: when the reader has taken everything, has left, or is cut off. */
  readonly onEnd: () => void;
}

const paceOf = ({ clock, onEnd }: PacedOptions) => ({
  clock,
  patienceMs: PATIENCE_MS,
  leastBytesPerS: LEAST_BYTES_PER_S,
  onEnd: () => onEnd(),
});

/** Joins texts and bytes to pieces of `PIECE_BYTES`, and splits longer ones. */
export function* piecesOf(parts: Iterable<string | Uint8Array>): Generator<Piece> {
  const encoder = new TextEncoder();
  let waiting: Uint8Array[] = [];
  let size = 0;
  let text = "";
  const flush = () => {
    if (text !== "") waiting.push(encoder.encode(text));
    text = "";
    const [first] = waiting;
    const piece = waiting.length === 1 && first !== undefined ? first : Buffer.concat(waiting);
    waiting = [];
    size = 0;
    return piece as Piece;
  };
  for (const part of parts) {
    if (typeof part === "string") text += part;
    else {
      if (text !== "") waiting.push(encoder.encode(text));
      text = "";
      waiting.push(part);
    }
    size += part.length;
    if (size < PIECE_BYTES) continue;
    const whole = flush();
    for (let at = 0; at < whole.byteLength; at += PIECE_BYTES) yield whole.subarray(at, at + PIECE_BYTES);
  }
  if (size > 0) yield flush();
}

/**
 * Returns `parts` as a body. The first piece is made at once, and sent whole if it is all. The others are made when the
 * reader asks for them.
 * @param parts if it throws later, the connection is cut, so that no reader takes a part for the whole
 */
export function pacedBody(parts: Iterable<string | Uint8Array>, options: PacedOptions): BodyInit {
  const pieces = piecesOf(parts);
  let first: IteratorResult<Piece> | null = pieces.next();
  if (first.done || first.value.byteLength < PIECE_BYTES) {
    options.onEnd();
    return first.done ? "" : first.value;
  }
  const next = () => {
    const piece = first ?? pieces.next();
    first = null;
    return piece;
  };
  return pacedPieces({ next, leave: () => void pieces.return(undefined) }, paceOf(options));
}

/** Returns a response whose body comes from a stream, piece by piece as the reader takes them. */
export function pacedStream(response: Response, options: PacedOptions): Response {
  if (response.body === null) {
    options.onEnd();
    return response;
  }
  const source = response.body.getReader() as ReadableStreamDefaultReader<Piece>;
  const next = async () => (await source.read()) as IteratorResult<Piece, undefined>;
  const leave = () => void source.cancel().catch(() => {});
  return new Response(pacedPieces({ next, leave }, paceOf(options)), response);
}

/**
 * Returns bytes as a body. A short one is sent at once: the buffers of the connection hold it.
 */
export function pacedBytes(bytes: Piece, options: PacedOptions): BodyInit {
  if (bytes.byteLength > PIECE_BYTES) return pacedBody([bytes], options);
  options.onEnd();
  return bytes;
}
