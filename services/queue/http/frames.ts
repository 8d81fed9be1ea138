/** A JSON head and the bodies that it speaks of, each behind its length: how binary batches travel over HTTP. */
import { AppError } from "../../../schema/model/errors.ts";
import { MAX_CALL_ITEMS } from "../port.ts";

/** A length, unsigned and big-endian, goes before each frame. */
const LENGTH_BYTES = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface Frames {
  readonly head: unknown;
  /** Views into the bytes that were decoded. */
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

function refuse(what: string): never {
  throw new AppError(`Cannot read frames: ${what}`, { code: "invalid" });
}

/** @throws AppError `invalid` for bytes that are cut or have no JSON head */
export function decodeFrames(bytes: Uint8Array): Frames {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  for (let offset = 0; offset < bytes.byteLength; ) {
    if (frames.length > MAX_CALL_ITEMS) refuse(`more than a head and ${MAX_CALL_ITEMS} bodies`);
    const start = offset + LENGTH_BYTES;
    const end = start <= bytes.byteLength ? start + view.getUint32(offset) : start;
    if (end > bytes.byteLength) refuse(`frame ${frames.length} ends at byte ${end} of ${bytes.byteLength}`);
    frames.push(bytes.subarray(start, end));
    offset = end;
  }
  const [head, ...bodies] = frames;
  try {
    return { head: JSON.parse(decoder.decode(head)), bodies };
  } catch (error) {
    throw new AppError("Cannot read frames: the first is no JSON", { code: "invalid", cause: error });
  }
}
