/** Bodies of requests and answers, never larger than accepted. */

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

/** The request with its body read, when it has one of unknown length; null: larger than accepted. */
export async function withBoundedBody(request: Request, maxBytes: number): Promise<Request | null> {
  if (request.body === null) return request;
  const length = request.headers.get("content-length");
  if (length !== null) return Number(length) > maxBytes ? null : request;
  const body = await readBody(request, maxBytes);
  if (body === null) return null;
  const { url, method, headers, signal } = request;
  return new Request(url, { method, headers, body, signal });
}
