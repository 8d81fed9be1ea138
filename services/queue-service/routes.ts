/** Serves the queue's port over HTTP: one route per operation. The only state is the requests in flight. */
import { Hono } from "hono";
import { AppError, isAppError } from "../../schema/model/errors.ts";
import { retryAfterSeconds } from "../platform/http/problem.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { PublishOutcome, Queue } from "../queue/port.ts";
import {
  encodeClaimed,
  encodeLetters,
  MAX_CALL_BYTES,
  MAX_HEAD_BYTES,
  MAX_OPEN_BYTES,
  QUEUE_PATHS,
  readBatches,
} from "../queue/wire.ts";
import type { Claims } from "./claims.ts";
import { problemOfError } from "./problem.ts";
import { ACK, CLAIM, EXTEND, NACK, NAMED, OPEN, PAGE, read, readBytes, readJson } from "./requests.ts";

const STATUS = { accepted: 201, duplicate: 200, gap: 409, fenced: 409, full: 429 } as const satisfies Record<
  PublishOutcome["kind"],
  number
>;

export interface RouteParts {
  readonly queue: Queue;
  readonly claims: Claims;
  /** Lease of a claim that does not set `leaseMs`. */
  readonly leaseMs: number;
  readonly log: Logger;
}

const frames = (bytes: Uint8Array<ArrayBuffer>): Response =>
  new Response(bytes, { headers: { "content-type": "application/octet-stream" } });

export function createRoutes({ queue, claims, leaseMs, log }: RouteParts): Hono {
  const app = new Hono();
  const at = QUEUE_PATHS;

  app.post(at.producers, async ({ req }) => {
    const { producer, inherit } = await readJson(req.raw, OPEN, MAX_OPEN_BYTES);
    return Response.json(await queue.openProducer(producer, { inherit }));
  });
  app.post(at.batches, async ({ req }) => {
    const { batches, from } = readBatches(await readBytes(req.raw, MAX_CALL_BYTES + MAX_HEAD_BYTES));
    const outcome = await queue.publish(batches, from);
    const headers = outcome.kind === "full" ? { "retry-after": retryAfterSeconds(outcome.retryAfterMs) } : {};
    return Response.json(outcome, { status: STATUS[outcome.kind], headers });
  });
  app.post(at.claims, async ({ req }) => {
    const asked = await readJson(req.raw, CLAIM);
    const maxBytes = Math.min(asked.maxBytes, MAX_CALL_BYTES);
    const connection = req.raw.signal;
    return frames(
      encodeClaimed(await claims.claim({ ...asked, leaseMs: asked.leaseMs ?? leaseMs, maxBytes, connection })),
    );
  });
  app.delete(`${at.claims}/:id`, ({ req }) => {
    const id = req.param("id");
    if (!claims.leave(id))
      throw new AppError(`No claim ${JSON.stringify(id)} waits in this replica`, { code: "not_found" });
    return new Response(null, { status: 204 });
  });
  app.post(at.acks, async ({ req }) => {
    const { receipts } = await readJson(req.raw, ACK);
    return Response.json({ results: await queue.ack(receipts) });
  });
  app.post(at.nacks, async ({ req }) => {
    const { receipts, mode } = await readJson(req.raw, NACK);
    return Response.json({ results: await queue.nack(receipts, mode) });
  });
  app.post(at.extends, async ({ req }) => {
    const { receipts, leaseMs } = await readJson(req.raw, EXTEND);
    return Response.json({ results: await queue.extend(receipts, leaseMs) });
  });
  app.get(at.stats, async () => Response.json(await queue.stats()));
  app.get(at.deadLetters, async ({ req }) =>
    frames(encodeLetters(await queue.deadLetters.list(read(PAGE, req.query())))),
  );
  app.post(at.redrive, async ({ req }) => {
    const { ids } = await readJson(req.raw, NAMED);
    return Response.json({ count: await queue.deadLetters.redrive(ids) });
  });
  app.post(at.purge, async ({ req }) => {
    const { ids } = await readJson(req.raw, NAMED);
    return Response.json({ count: await queue.deadLetters.purge(ids) });
  });

  app.notFound(({ req }) =>
    problemOfError(new AppError(`No route for ${req.method} ${req.path}`, { code: "not_found" })),
  );
  app.onError((error, { req }) => {
    if (isAppError(error) && error.code !== "internal") return problemOfError(error);
    const fields = { method: req.method, path: req.path, error };
    if (req.raw.signal.aborted) log.debug("caller left", fields);
    else log.error("request failed", fields);
    return problemOfError(new AppError("Internal error: see the log of queue-service", { code: "internal" }));
  });
  return app;
}
