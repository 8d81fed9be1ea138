/** Bodies of requests and answers, never larger than accepted, and of requests never waited for without end. */
import ms from "ms";
import { AppError } from "../../../schema/model/errors.ts";

/** How long a request's body may take to arrive. */
const ARRIVAL_MS = 30_000;

/** The whole body; null: larger than accepted, and not read further. */
export async function readBody(message: Request | Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
  if (message.body === null) return new Uint8Array(0);
  const length = message.headers.get("content-length");
  if (length !== null && Number(length) > maxBytes) {
    await message.body.cancel();
    return null;
  }
  // Each side holds the other to the length it declares.
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

/** As `readBody`. @throws AppError `unavailable` for a body that does not arrive */
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

/** The request with its body read, when it has one; null: larger than accepted. @throws as `receiveBody` */
export async function withBoundedBody(request: Request, maxBytes: number, withinMs?: number): Promise<Request | null> {
  if (request.body === null) return request;
  const body = await receiveBody(request, maxBytes, withinMs);
  if (body === null) return null;
  const { url, method, headers, signal } = request;
  return new Request(url, { method, headers, body, signal });
}
