/** One HTTP call to queue-service: bounded in time and size, sent once, its failures as AppErrors. */
import { AppError, ERROR_CODES, type ErrorCode, messageOf } from "../../../schema/model/errors.ts";
import { readBody } from "../../platform/http/bounded-body.ts";
import type { Clock } from "../../platform/process/clock.ts";

/** How long a call may take, on top of the time that a claim waits. */
const CALL_MS = 15_000;
const SHOWN_LENGTH = 300;
const decoder = new TextDecoder();

export interface CallOptions {
  readonly method?: "GET" | "POST" | "DELETE";
  /** Sent as frames when it is bytes, else as JSON. */
  readonly body?: object | Uint8Array<ArrayBuffer>;
  /** On top of the time that every call has. */
  readonly waitMs?: number;
  /** Bound on the answer's body. */
  readonly maxBytes: number;
  /** Cuts the connection. */
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array;
}

export type Call = (path: string, options: CallOptions) => Promise<Answer>;

export interface CallerOptions {
  /** Where queue-service answers: `http://queue-service:8080`. */
  readonly url: string;
  /** null: it is open to everyone. */
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
 * Connections are kept and used again. Deno repeats a request by itself when the connection that it kept turns out to be
 * closed: for queue-service that is a caller who repeats.
 */
export function createCaller({ url, token, clock }: CallerOptions): Call {
  const base = url.replace(/\/+$/, "");
  const shown = new URL(url).origin;
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const away = (why: string, cause?: unknown) =>
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
      if (bytes === null) throw away(`answered ${method} ${path} with more than ${maxBytes} bytes`);
      return { status: response.status, bytes };
    } catch (error) {
      if (error instanceof AppError) throw error;
      if (late) throw away(`did not answer ${method} ${path} within ${CALL_MS + waitMs} ms`, error);
      throw away(`cannot be reached: ${messageOf(error)}`, error);
    } finally {
      answered.abort();
      signal?.removeEventListener("abort", cut);
    }
  };
}

/**
 * What an answer that is no result says. Only a problem of queue-service itself, told by its `code`, is about the call;
 * anything else (a proxy's page, a wrong token, a defect) may be over when the caller asks again.
 */
export function refusalOf({ status, bytes }: Answer): AppError {
  const problem = (parseJson(bytes) ?? {}) as { code?: unknown; detail?: unknown; retryAfterMs?: unknown };
  const known = Object.entries(ERROR_CODES).find(([code, info]) => code === problem.code && info.status === status);
  const code = known !== undefined && status < 500 ? (known[0] as ErrorCode) : "unavailable";
  const detail = typeof problem.detail === "string" ? problem.detail : decoder.decode(bytes.subarray(0, SHOWN_LENGTH));
  const message = known === undefined ? `The queue's service answered ${status}: ${detail}` : detail;
  const { retryAfterMs } = problem;
  return new AppError(message, { code, ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}) });
}
