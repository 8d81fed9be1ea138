/** Reads requests of the queue's API and checks their size and shape. The queue checks the bounds of the values. */
import { z } from "zod";
import { AppError } from "../../schema/model/errors.ts";
import { receiveBody } from "../platform/http/bounded-body.ts";
import { MAX_JSON_BYTES } from "../queue/wire.ts";

const receipts = z.array(z.string());
const reason = z.string();

export const OPEN = z.object({ producer: z.string(), inherit: z.array(z.string()).default([]) });
/** All fields are optional. Without `waitMs`, a claim does not wait; without `leaseMs`, it gets the service's lease. */
export const CLAIM = z.object({
  id: z.string().min(1).max(100).optional(),
  max: z.number().default(1),
  maxBytes: z.number().default(4 * 1024 * 1024),
  leaseMs: z.number().optional(),
  waitMs: z.number().default(0),
});
export const ACK = z.object({ receipts });
export const NACK = z.object({
  receipts,
  mode: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("retry"), delayMs: z.number(), reason }),
    z.object({ kind: z.literal("reject"), reason }),
    z.object({ kind: z.literal("release") }),
  ]),
});
export const EXTEND = z.object({ receipts, leaseMs: z.number() });
export const NAMED = z.object({ ids: z.array(z.string()).optional() });
export const PAGE = z.object({ limit: z.coerce.number().default(50), after: z.string().optional() });

/** @throws AppError `too_large`, or `unavailable` for a body that does not arrive */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const bytes = await receiveBody(request, maxBytes);
  if (bytes !== null) return bytes;
  const message = `The body must be at most ${maxBytes.toLocaleString("en-US")} bytes, got more`;
  throw new AppError(message, { code: "too_large" });
}

/** @throws AppError `invalid` that names each wrong field and the values it accepts */
export function read<Shape extends z.ZodType>(shape: Shape, value: unknown): z.infer<Shape> {
  const outcome = shape.safeParse(value);
  if (outcome.success) return outcome.data;
  const problems = outcome.error.issues.map(({ path, message }) => `${path.join(".") || "the body"}: ${message}`);
  throw new AppError(`Request: ${problems.join("; ")}`, { code: "invalid" });
}

/** @throws AppError `too_large`; `invalid` when the body is not JSON or has another shape */
export async function readJson<Shape extends z.ZodType>(request: Request, shape: Shape): Promise<z.infer<Shape>> {
  const text = new TextDecoder().decode(await readBytes(request, MAX_JSON_BYTES));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError("Request: the body must be JSON", { code: "invalid", cause: error });
  }
  return read(shape, value);
}
