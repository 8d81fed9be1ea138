/** Reads HTTP bodies within a size limit, and request bodies within a time limit. */
import ms from "ms";
import { AppError } from "../../../schema/model/errors.ts";

/** How long the body of a request may take to arrive. */
const ARRIVAL_MS = 30_000;

/** Returns the whole body. If it is larger than `maxBytes`, stops reading and returns null. */
export async function readBody(message: Request | Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
  if (message.body === null) return new Uint8Array(0);
  const length = message.headers.get("content-length");
  if (length !== null && Number(length) > maxBytes) {
    await message.body.cancel();
    return null;
  }
  // Both runtimes make sure that the body is no longer than its content-length.
  if (length !== null) return new Uint8Array(await message.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of message.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** `readBody` with a time limit. @throws AppError `unavailable` when the body does not arrive within `withinMs` */
export async function receiveBody(
  request: Request,
  maxBytes: number,
  withinMs = ARRIVAL_MS,
): Promise<Uint8Array<ArrayBuffer> | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message = `The body did not arrive within ${ms(withinMs)}`;
    timer = setTimeout(() => reject(new AppError(message, { code: "unavailable" })), withinMs);
  });
  try {
    return await Promise.race([readBody(request, maxBytes), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns the request with its body read, or null if the body is larger than `maxBytes`. @throws as `receiveBody` */
export async function withBoundedBody(request: Request, maxBytes: number, withinMs?: number): Promise<Request | null> {
  if (request.body === null) return request;
  const body = await receiveBody(request, maxBytes, withinMs);
  if (body === null) return null;
  const { url, method, headers, signal } = request;
  return new Request(url, { method, headers, body, signal });
}
