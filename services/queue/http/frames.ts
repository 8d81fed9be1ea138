/**
 * Frames put a JSON head and binary bodies into one HTTP body. The head comes first. Each frame has:
 *
 * - length: of the content alone, 4 bytes, unsigned, big-endian
 * - content: JSON in UTF-8 for the head, any bytes for a body
 */
import { AppError } from "../../../schema/model/errors.ts";
import { MAX_CALL_ITEMS } from "../port.ts";

const LENGTH_BYTES = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface Frames {
  readonly head: unknown;
  /** Views into the decoded bytes. */
  readonly bodies: readonly Uint8Array[];
}

export function encodeFrames(head: unknown, bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const frames = [encoder.encode(JSON.stringify(head)), ...bodies];
  const bytes = new Uint8Array(frames.reduce((sum, { byteLength }) => sum + LENGTH_BYTES + byteLength, 0));
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const frame of frames) {
    view.setUint32(offset, frame.byteLength);
    bytes.set(frame, offset + LENGTH_BYTES);
    offset += LENGTH_BYTES + frame.byteLength;
  }
  return bytes;
}

function refuse(problem: string, cause?: unknown): never {
  throw new AppError(`Frames: ${problem}`, { code: "invalid", cause });
}

/**
 * @param maxHeadBytes bound on the head, by the number of bodies; checked before the head is parsed
 * @throws AppError `invalid` for bytes that end within a frame, or have no JSON head or a longer one
 */
export function decodeFrames(
  bytes: Uint8Array,
  maxHeadBytes: (bodies: number) => number = () => Number.POSITIVE_INFINITY,
): Frames {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  for (let offset = 0; offset < bytes.byteLength; ) {
    if (frames.length > MAX_CALL_ITEMS) refuse(`the number of bodies must be at most ${MAX_CALL_ITEMS}, got more`);
    const start = offset + LENGTH_BYTES;
    const end = start <= bytes.byteLength ? start + view.getUint32(offset) : start;
    if (end > bytes.byteLength)
      refuse(`frame ${frames.length} must end within ${bytes.byteLength} bytes, got an end at ${end}`);
    frames.push(bytes.subarray(start, end));
    offset = end;
  }
  const [head = new Uint8Array(0), ...bodies] = frames;
  const most = maxHeadBytes(bodies.length);
  if (head.byteLength > most) {
    const bodyCount = `${bodies.length} ${bodies.length === 1 ? "body" : "bodies"}`;
    refuse(`the head must have at most ${most} bytes for ${bodyCount}, got ${head.byteLength}`);
  }
  try {
    return { head: JSON.parse(decoder.decode(head)), bodies };
  } catch (error) {
    refuse("the head must be JSON", error);
  }
}
