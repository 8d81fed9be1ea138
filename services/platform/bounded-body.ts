/** Bodies of requests, never larger than accepted. */

/** The request with its body read, when it has one of unknown length; null: larger than accepted. */
export async function withBoundedBody(request: Request, maxBytes: number): Promise<Request | null> {
  if (request.body === null) return request;
  const length = request.headers.get("content-length");
  // The server holds a client to the length it declares.
  if (length !== null) return Number(length) > maxBytes ? null : request;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  const { url, method, headers, signal } = request;
  return new Request(url, { method, headers, body: Buffer.concat(chunks), signal });
}
