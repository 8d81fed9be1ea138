/** An answer whose bytes are known: with an ETag, packed for who asks for it, and left out for who has it. */
import { createHash } from "node:crypto";
import { pack } from "./compression.ts";
import { type Coding, chooseCoding, isKnown } from "./negotiation.ts";

/** Below this a header costs what packing saves. */
const MIN_PACKED_BYTES = 1024;

export interface Representation {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Of the content, so it cannot be wrong; weak, as all codings of it share one. */
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
  /** As they were asked for. */
  readonly packed: Map<Coding, Promise<Uint8Array>>;
}

/**
 * Of all that is told of GPUs: it may be kept, and asked again with If-None-Match before it is used. Also for a
 * window in the past: late readings may come into it, and retention takes from it.
 */
export const DATA_HEADERS = { "cache-control": "no-cache", vary: "Accept, Accept-Encoding" } as const;

export const represent = (
  bytes: Uint8Array,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): Representation => ({
  type,
  bytes,
  etag: `W/"${createHash("sha256").update(bytes).digest("base64url")}"`,
  headers: { ...DATA_HEADERS, ...headers },
  packed: new Map(),
});

export async function answerWith(representation: Representation, asked: Headers): Promise<Response> {
  const { type, bytes, etag, headers, packed } = representation;
  if (isKnown(asked.get("if-none-match"), etag))
    return new Response(null, { status: 304, headers: { ...headers, etag } });
  const coding = bytes.length < MIN_PACKED_BYTES ? null : chooseCoding(asked.get("accept-encoding"));
  let body = bytes;
  if (coding !== null) {
    const packing = packed.get(coding) ?? pack(bytes, coding);
    packed.set(coding, packing);
    body = await packing;
  }
  return new Response(body as Uint8Array<ArrayBuffer>, {
    headers: {
      "content-type": type,
      ...headers,
      etag,
      ...(coding === null ? {} : { "content-encoding": coding }),
    },
  });
}
