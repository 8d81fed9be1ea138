/** Sends GET requests over HTTP and HTTPS, and reads their bodies within a limit of size. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { fail, ok, type Result } from "../../../schema/model/result.ts";
import { type TlsConfig, tlsOptions } from "./tls.ts";

export interface GetOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsConfig;
  /** Ends the request and its body. */
  readonly signal: AbortSignal;
}

/** A response whose body has not been read. Disposing it closes the connection. */
export interface OpenResponse extends Disposable {
  readonly status: number;
  readonly type: string;
  readonly message: IncomingMessage;
}

/**
 * Resolves once the head of the response is there. Each request has a connection of its own: on Deno, a reused one
 * ignores the signal. Certificates need `node:https`, because Deno's `fetch` takes none.
 * @throws errors of the connection and of reading certificates
 */
export async function get(url: string, { headers, tls, signal }: GetOptions): Promise<OpenResponse> {
  const isSecure = url.startsWith("https:");
  const certificates = isSecure ? await tlsOptions(tls) : {};
  const agent = isSecure ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false });
  try {
    const options = { agent, signal, headers: { "user-agent": "gpu-telemetry-scraper", ...headers }, ...certificates };
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      (isSecure ? httpsRequest : httpRequest)(url, options, resolve).on("error", reject).end();
    });
    return {
      status: message.statusCode ?? 0,
      type: message.headers["content-type"] ?? "",
      message,
      [Symbol.dispose]: () => {
        message.destroy();
        agent.destroy();
      },
    };
  } catch (error) {
    agent.destroy();
    throw error;
  }
}

/**
 * Returns the whole body, decompressed. Returns an error if it is larger than `maxBytes` or not whole.
 * @param limit names the bound in that error
 * @throws errors of the connection; an error once the signal aborts
 */
export async function readText(
  { message }: OpenResponse,
  { maxBytes, limit, signal }: { maxBytes: number; limit: string; signal: AbortSignal },
): Promise<Result<string>> {
  const isGzip = message.headers["content-encoding"] === "gzip";
  const gunzip = isGzip ? createGunzip() : undefined;
  // An error of the answer does not pass through a pipe by itself.
  if (gunzip !== undefined) message.on("error", (error) => gunzip.destroy(error)).pipe(gunzip);
  const stream: Readable = gunzip ?? message;
  const stop = () => stream.destroy(new Error("stopped"));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > maxBytes) return fail(`body must have at most ${maxBytes} bytes${limit}, got more`);
      chunks.push(chunk);
    }
    if (!message.complete) return fail("body must be whole, got a connection that closed inside it");
    return ok(Buffer.concat(chunks).toString("utf8"));
  } finally {
    signal.removeEventListener("abort", stop);
    message.destroy();
    gunzip?.destroy();
  }
}
