/** The receiver: takes metrics that others send, makes them safe, then answers. */
import type { LabelRules } from "../../schema/dcgm/label-rules.ts";
import { isAppError } from "../../schema/model/errors.ts";
import { methodNotAllowed, problemOf } from "../platform/http/problem.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import type { ReceiverConfig } from "./config.ts";
import { createAccess } from "./http/access.ts";
import { Bodies } from "./http/bodies.ts";
import { answerOtlp, OTLP_PATH, refuseOtlp } from "./http/otlp.ts";
import { answerWrite, refuseWrite, WRITE_PATHS, writeVersion, writtenHeaders } from "./http/remote-write.ts";
import { createReceiverMeter } from "./meter.ts";
import type { Recorder } from "./record/recorder.ts";
import { Election } from "./series/election.ts";
import { Intake, type Written } from "./series/intake.ts";
import { KnownSeriesCache } from "./series/known-series.ts";
import { Malformed } from "./wire/malformed.ts";

export interface ReceiverParts {
  readonly config: Pick<ReceiverConfig, "token" | "names" | "failoverMs">;
  /** Address that the server is bound to. */
  readonly host: string;
  readonly rules: LabelRules;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface Receiver {
  /** True for paths that `fetch` answers. */
  handles(pathname: string): boolean;
  /** Never rejects. A 2xx says that the readings are on disk. */
  fetch(request: Request): Promise<Response>;
}

const NOTHING: Written = { samples: 0, histograms: 0, exemplars: 0 };

export function createReceiver({ config, host, rules, recorder, clock, log, metrics }: ReceiverParts): Receiver {
  const refuse = createAccess({ token: config.token, host });
  const cache = new KnownSeriesCache({
    rules,
    names: config.names,
    target: { ignored: (label, metric) => log.info("label is ignored", { label, metric }) },
  });
  const meter = createReceiverMeter(metrics, () => cache.size);
  const election = new Election({ failoverMs: config.failoverMs, clock, log, onSwitch: meter.elected });
  const bodies = new Bodies(clock);
  const reported = new Set<string>();
  let seq = 0;

  const openIntake = () =>
    new Intake({
      cache,
      elects: (replica) => election.elects(replica),
      now: clock.now(),
      // The queue knows producer, life and number by itself; those in the batch are for people who look at it.
      header: () => ({ producer: "receive", epoch: 1, seq: ++seq }),
    });

  async function record(intake: Intake): Promise<void> {
    await recorder.record(intake.batches);
    meter.recorded(intake);
    for (const [reason, { count, detail }] of intake.skips) {
      if (reported.has(reason)) continue;
      reported.add(reason);
      log.warn("samples are skipped", { reason, count, detail });
    }
  }

  async function write(request: Request): Promise<Response> {
    const version = writeVersion(request.headers.get("content-type")) ?? 1;
    const intake = openIntake();
    const refused = refuseWrite(request);
    let written: Written = NOTHING;
    const recordAll = async () => {
      await record(intake);
      written = intake.written;
    };
    const response =
      refused ?? (await answered(() => answerWrite(request, version, { bodies, intake, record: recordAll })));
    if (version === 2) {
      for (const [name, value] of Object.entries(writtenHeaders(written))) response.headers.set(name, value);
    }
    return response;
  }

  async function otlp(request: Request): Promise<Response> {
    const intake = openIntake();
    const refused = refuseOtlp(request);
    if (refused !== null) return refused;
    return await answered(() => answerOtlp(request, { bodies, intake, record: () => record(intake) }));
  }

  /** Turns errors into answers. A sender repeats 5xx, and drops what is answered 4xx, 429 included. */
  async function answered(answer: () => Promise<Response>): Promise<Response> {
    try {
      return await answer();
    } catch (error) {
      if (error instanceof Malformed) return problemOf("invalid", error.message);
      if (!isAppError(error) || error.code === "internal") {
        log.error("request failed", { error });
        return problemOf("internal", "Internal error: see the log of the service");
      }
      const code = error.code === "overloaded" ? "unavailable" : error.code;
      return problemOf(code, error.message, { retryAfterMs: error.retryAfterMs });
    }
  }

  return {
    handles: (pathname) => pathname === OTLP_PATH || WRITE_PATHS.has(pathname),
    async fetch(request) {
      const { method, url } = request;
      const isOtlp = new URL(url).pathname === OTLP_PATH;
      const answer = isOtlp ? otlp : write;
      const response =
        refuse(request) ?? (method === "POST" ? await answer(request) : methodNotAllowed(method, "POST"));
      meter.answered(isOtlp ? "otlp" : "remote_write", response.status);
      return response;
    },
  };
}
