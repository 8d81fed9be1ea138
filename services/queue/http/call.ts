/** Makes HTTP calls to queue-service. A call has a time limit and a size limit, is sent once, and throws AppErrors. */
import { AppError, ERROR_CODES, type ErrorCode, messageOf } from "../../../schema/model/errors.ts";
import { readBody } from "../../platform/http/bounded-body.ts";
import type { Clock } from "../../platform/process/clock.ts";

/** How long a call may take, on top of the time that a claim waits. */
const CALL_MS = 15_000;
/** How many bytes an error quotes of an answer that is not queue-service's. */
const QUOTED_BYTES = 300;
const decoder = new TextDecoder();

export interface CallOptions {
  readonly method?: "GET" | "POST" | "DELETE";
  /** Bytes are sent as frames, an object as JSON. */
  readonly body?: object | Uint8Array<ArrayBuffer>;
  /** Added to the time limit of every call. Milliseconds. Default: 0. */
  readonly waitMs?: number;
  /** Bound on the answer's body, in bytes. */
  readonly maxBytes: number;
  /** Aborting it cuts the connection. */
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array;
}

export type Call = (path: string, options: CallOptions) => Promise<Answer>;

export interface CallerOptions {
  /** Address of queue-service, such as `http://queue-service:8080`. */
  readonly url: string;
  /** INTERNAL_TOKEN of queue-service; null if queue-service needs none. */
  readonly token: string | null;
  readonly clock: Clock;
}

export const parseJson = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
};

/**
 * The runtime reuses connections. If a reused connection turns out to be closed, Deno sends the request again; to
 * queue-service, that is a repeated call like any other.
 */
export function createCaller({ url, token, clock }: CallerOptions): Call {
  const base = url.replace(/\/+$/, "");
  const shown = new URL(url).origin;
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const unavailable = (why: string, cause?: unknown) =>
    new AppError(`The queue at ${shown} ${why}`, { code: "unavailable", cause });

  return async (path, { method = "POST", body, waitMs = 0, maxBytes, signal }) => {
    const over = new AbortController();
    const cut = () => over.abort();
    signal?.addEventListener("abort", cut, { once: true });
    if (signal?.aborted) cut();
    const answered = new AbortController();
    let late = false;
    void clock.sleep(CALL_MS + waitMs, { signal: answered.signal }).then(() => {
      if (answered.signal.aborted) return;
      late = true;
      cut();
    });
    try {
      const isFrames = body instanceof Uint8Array;
      const type = isFrames ? "application/octet-stream" : "application/json";
      const response = await fetch(base + path, {
        method,
        headers: body === undefined ? authorization : { ...authorization, "content-type": type },
        redirect: "manual",
        signal: over.signal,
        ...(body === undefined ? {} : { body: isFrames ? body : JSON.stringify(body) }),
      });
      const bytes = await readBody(response, maxBytes);
      if (bytes === null) throw unavailable(`answered ${method} ${path} with more than ${maxBytes} bytes`);
      return { status: response.status, bytes };
    } catch (error) {
      if (error instanceof AppError) throw error;
      if (late) throw unavailable(`did not answer ${method} ${path} within ${CALL_MS + waitMs} ms`, error);
      throw unavailable(`cannot be reached: ${messageOf(error)}`, error);
    } finally {
      answered.abort();
      signal?.removeEventListener("abort", cut);
    }
  };
}

/**
 * Turns an answer without a result into an error. Only problem details of queue-service, which have a `code`, keep that
 * code. Any other answer (a proxy's page, a wrong token, a defect) becomes `unavailable`, because a repeated call may
 * succeed.
 */
export function errorOf({ status, bytes }: Answer): AppError {
  const problem = (parseJson(bytes) ?? {}) as { code?: unknown; detail?: unknown; retryAfterMs?: unknown };
  const known = Object.entries(ERROR_CODES).find(([code, info]) => code === problem.code && info.status === status);
  const code = known !== undefined && status < 500 ? (known[0] as ErrorCode) : "unavailable";
  const detail = typeof problem.detail === "string" ? problem.detail : decoder.decode(bytes.subarray(0, QUOTED_BYTES));
  const message = known === undefined ? `queue-service answered ${status}: ${detail}` : detail;
  const { retryAfterMs } = problem;
  return new AppError(message, { code, ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}) });
}
