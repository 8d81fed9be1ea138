/** Asks a target for its metrics over HTTP or HTTPS, within limits of time and size. */
import { readFile } from "node:fs/promises";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { fail, ok, type Result } from "../../../schema/model/result.ts";
import type { Credentials, TlsConfig } from "../config.ts";
import type { ExpositionFormat } from "../exposition/sample-lines.ts";

export interface ScrapedBody {
  readonly text: string;
  readonly format: ExpositionFormat;
}

export interface RequestSettings {
  readonly timeoutMs: number;
  /** A larger body, decompressed, is an error. */
  readonly maxBytes: number;
  readonly credentials: Credentials;
  readonly tls: TlsConfig;
}

const ACCEPT =
  "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,text/plain;q=0.3,*/*;q=0.1";

async function authorization(credentials: Credentials): Promise<string | undefined> {
  switch (credentials.kind) {
    case "none":
      return undefined;
    case "bearer":
      return `Bearer ${(await readFile(credentials.tokenFile, "utf8")).trim()}`;
    case "basic": {
      const password = (await readFile(credentials.passwordFile, "utf8")).trim();
      return `Basic ${Buffer.from(`${credentials.username}:${password}`).toString("base64")}`;
    }
    default:
      return credentials satisfies never;
  }
}

/** Certificates are read for each scrape, because they are replaced before they expire. */
async function tlsOptions({ caFile, certificateFile, keyFile, isInsecure }: TlsConfig): Promise<RequestOptions> {
  const read = async (name: string, path: string | undefined) =>
    path === undefined ? {} : { [name]: await readFile(path, "utf8") };
  return {
    rejectUnauthorized: !isInsecure,
    ...(await read("ca", caFile)),
    ...(await read("cert", certificateFile)),
    ...(await read("key", keyFile)),
  };
}

/**
 * Returns the body, or why there is none in words. Never rejects. Each request has a connection of its own: on Deno, a
 * reused one ignores the signal.
 */
export async function requestMetrics(
  url: string,
  { timeoutMs, maxBytes, credentials, tls }: RequestSettings,
  signal: AbortSignal,
): Promise<Result<ScrapedBody>> {
  const late = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, late]);
  const isSecure = url.startsWith("https:");
  const agent = isSecure ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false });
  try {
    const token = await authorization(credentials);
    const options: RequestOptions = {
      agent,
      signal: either,
      headers: {
        accept: ACCEPT,
        "accept-encoding": "gzip",
        "user-agent": "gpu-telemetry-scraper",
        "x-prometheus-scrape-timeout-seconds": String(timeoutMs / 1000),
        ...(token === undefined ? {} : { authorization: token }),
      },
      ...(isSecure ? await tlsOptions(tls) : {}),
    };
    const response = await respond(url, isSecure, options);
    if (response.statusCode !== 200) {
      response.destroy();
      return fail(`answer must have status 200, got ${response.statusCode}`);
    }
    return await bodyOf(response, maxBytes, either);
  } catch (error) {
    if (late.aborted) return fail(`answer must arrive within ${timeoutMs}ms (SCRAPE_TIMEOUT)`);
    return fail(error instanceof Error && error.message !== "" ? error.message : String(error));
  } finally {
    agent.destroy();
  }
}

const respond = (url: string, isSecure: boolean, options: RequestOptions): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    (isSecure ? httpsRequest : httpRequest)(url, options, resolve).on("error", reject).end();
  });

async function bodyOf(response: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<Result<ScrapedBody>> {
  const isGzip = response.headers["content-encoding"] === "gzip";
  const gunzip = isGzip ? createGunzip() : undefined;
  // An error of the answer does not pass through a pipe by itself.
  if (gunzip !== undefined) response.on("error", (error) => gunzip.destroy(error)).pipe(gunzip);
  const stream: Readable = gunzip ?? response;
  const stop = () => stream.destroy(new Error("stopped"));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > maxBytes) return fail(`body must have at most ${maxBytes} bytes (SCRAPE_MAX_BYTES), got more`);
      chunks.push(chunk);
    }
    if (!response.complete) return fail("body must be whole, got a connection that closed inside it");
    const isOpenMetrics = response.headers["content-type"]?.startsWith("application/openmetrics-text") ?? false;
    return ok({ text: Buffer.concat(chunks).toString("utf8"), format: isOpenMetrics ? "openmetrics" : "text" });
  } finally {
    signal.removeEventListener("abort", stop);
    response.destroy();
    gunzip?.destroy();
  }
}
