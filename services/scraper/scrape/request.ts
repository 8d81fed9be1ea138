/** Asks a target for its metrics over HTTP or HTTPS, within limits of time and size. */
import { readFile } from "node:fs/promises";
import { fail, ok, type Result } from "../../../schema/model/result.ts";
import type { Credentials } from "../config.ts";
import type { ExpositionFormat } from "../exposition/sample-lines.ts";
import { get, readText } from "../http/get.ts";
import type { TlsConfig } from "../http/tls.ts";

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

/** Returns the body, or why there is none in words. Never rejects. */
export async function requestMetrics(
  url: string,
  { timeoutMs, maxBytes, credentials, tls }: RequestSettings,
  signal: AbortSignal,
): Promise<Result<ScrapedBody>> {
  const late = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, late]);
  try {
    const token = await authorization(credentials);
    const headers = {
      accept: ACCEPT,
      "accept-encoding": "gzip",
      "x-prometheus-scrape-timeout-seconds": String(timeoutMs / 1000),
      ...(token === undefined ? {} : { authorization: token }),
    };
    using response = await get(url, { headers, tls, signal: either });
    if (response.status !== 200) return fail(`answer must have status 200, got ${response.status}`);
    const text = await readText(response, { maxBytes, limit: " (SCRAPE_MAX_BYTES)", signal: either });
    if (!text.ok) return text;
    const isOpenMetrics = response.type.startsWith("application/openmetrics-text");
    return ok({ text: text.value, format: isOpenMetrics ? "openmetrics" : "text" });
  } catch (error) {
    if (late.aborted) return fail(`answer must arrive within ${timeoutMs}ms (SCRAPE_TIMEOUT)`);
    return fail(error instanceof Error && error.message !== "" ? error.message : String(error));
  }
}
