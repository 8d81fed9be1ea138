/** Admits, reads and decodes the bodies of requests, so that all of them together have bounded memory. */
import { AppError } from "../../../schema/model/errors.ts";
import { receiveBody } from "../../platform/http/bounded-body.ts";
import type { Clock } from "../../platform/process/clock.ts";
import { othersAnswered } from "../../platform/process/others-answered.ts";
import { Turnstile } from "../../platform/process/turnstile.ts";

/** Limits of Prometheus' and Mimir's receivers; a request of 2,000 samples has about 60 KB and 700 KB. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
export const MAX_UNCOMPRESSED_BYTES = 64 * 1024 * 1024;
/** Bytes of bodies in memory at once; further requests wait, then are asked to come again. */
const MAX_ARRIVING_BYTES = 64 * 1024 * 1024;
/** Bytes of decompressed bodies in memory at once. */
const MAX_DECODING_BYTES = 128 * 1024 * 1024;
const MAX_WAITING = 1000;
const WAIT_MS = 10_000;
/** Decoding lets other requests be answered after this long. */
const SLICE_MS = 8;

export class Bodies {
  readonly #arriving: Turnstile;
  readonly #decoding: Turnstile;

  constructor(clock: Clock) {
    const common = { noun: "bytes", maxWaiting: MAX_WAITING, waitMs: WAIT_MS, clock };
    this.#arriving = new Turnstile({ ...common, capacity: MAX_ARRIVING_BYTES });
    this.#decoding = new Turnstile({ ...common, capacity: MAX_DECODING_BYTES });
  }

  /**
   * Calls `answer` with the body; its room is free once the answer is there.
   * @throws AppError `too_large`, `overloaded` or `unavailable`
   */
  async receive<T>(request: Request, answer: (body: Uint8Array) => Promise<T>): Promise<T> {
    const given = request.headers.get("content-length");
    using _pass = await this.#arriving.enter(
      Math.min(MAX_BODY_BYTES, given === null ? MAX_BODY_BYTES : Number(given)),
      {
        signal: request.signal,
      },
    );
    const body = await receiveBody(request, MAX_BODY_BYTES);
    if (body === null) {
      throw new AppError(`body must have at most ${MAX_BODY_BYTES} bytes, got more`, { code: "too_large" });
    }
    return await answer(body);
  }

  /** Calls `decode` with room for `bytes`. @throws as `receive` */
  async decode<T>(bytes: number, decode: () => Promise<T>): Promise<T> {
    if (bytes > MAX_UNCOMPRESSED_BYTES) {
      const accepted = `at most ${MAX_UNCOMPRESSED_BYTES} bytes once decompressed`;
      throw new AppError(`body must have ${accepted}, got ${bytes}`, { code: "too_large" });
    }
    using _pass = await this.#decoding.enter(bytes);
    return await decode();
  }
}

/** Takes all steps, and lets other requests be answered in between. */
export async function inSlices(steps: Iterable<unknown>): Promise<void> {
  let from = performance.now();
  for (const _ of steps) {
    if (performance.now() - from < SLICE_MS) continue;
    await othersAnswered();
    from = performance.now();
  }
}
