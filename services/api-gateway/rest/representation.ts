/** Sends answers that are complete in memory: with an ETag, compressed if accepted; or 304 if the client has them. */
import { createHash } from "node:crypto";
import { pacedBytes } from "../../platform/http/paced-body.ts";
import type { Clock } from "../../platform/process/clock.ts";
import { pack } from "./compression.ts";
import { type Coding, chooseCoding, isKnown } from "./negotiation.ts";

/** The smallest body that is compressed: for smaller ones, compression saves no more than its header costs. */
const MIN_PACKED_BYTES = 1024;

export interface Representation {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** A hash of the uncompressed content. The tag is weak, because all codings of the content share it. */
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Compressed forms, each made on first use. */
  readonly packed: Map<Coding, Promise<Uint8Array>>;
}

/**
 * Headers of all answers about GPUs. `no-cache` lets a client keep the answer and revalidate it with If-None-Match.
 * Answers about past windows must be revalidated, too: readings may arrive late, and retention removes old ones.
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

export async function answerWith(representation: Representation, asked: Headers, clock: Clock): Promise<Response> {
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
  return new Response(pacedBytes(body as Uint8Array<ArrayBuffer>, { clock, onEnd: () => {} }), {
    headers: {
      "content-type": type,
      ...headers,
      etag,
      ...(coding === null ? {} : { "content-encoding": coding }),
    },
  });
}
