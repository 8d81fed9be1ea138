/** Reads requests of the queue's API and checks their size and shape. The queue checks the bounds of the values. */
import { z } from "zod";
import { AppError } from "../../schema/model/errors.ts";
import { receiveBody } from "../platform/http/bounded-body.ts";
import { MAX_CALL_ITEMS } from "../queue/port.ts";
import { MAX_REQUEST_BYTES } from "../queue/wire.ts";

/** Ample for a problem, whatever the request holds. */
const MAX_PROBLEM_LENGTH = 500;

/** A list of texts: counted before its items are checked, and refused at the first bad item. */
const texts = () =>
  z.unknown().transform((value, context): string[] => {
    const refuse = (message: string, path: number[] = []) => {
      context.addIssue({ code: "custom", message, path });
      return z.NEVER;
    };
    if (!Array.isArray(value)) return refuse(`must be a list of texts, got ${typeof value}`);
    if (value.length > MAX_CALL_ITEMS) {
      const most = MAX_CALL_ITEMS.toLocaleString("en-US");
      return refuse(`number of items must be at most ${most}, got ${value.length}`);
    }
    const bad = value.findIndex((item) => typeof item !== "string");
    if (bad !== -1) return refuse(`must be a text, got ${typeof value[bad]}`, [bad]);
    return value;
  });
const receipts = texts();
const reason = z.string();

export const OPEN = z.object({ producer: z.string(), inherit: texts().default([]) });
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
    z.object({ kind: z.literal("release"), delayMs: z.number().default(0) }),
  ]),
});
export const EXTEND = z.object({ receipts, leaseMs: z.number() });
export const NAMED = z.object({ ids: texts().optional() });
export const PAGE = z.object({ limit: z.coerce.number().default(50), after: z.string().optional() });

/** @throws AppError `too_large`, or `unavailable` for a body that does not arrive */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const bytes = await receiveBody(request, maxBytes);
  if (bytes !== null) return bytes;
  const message = `The body must be at most ${maxBytes.toLocaleString("en-US")} bytes, got more`;
  throw new AppError(message, { code: "too_large" });
}

/** @throws AppError `invalid` that names the first wrong field and the values it accepts */
export function read<Shape extends z.ZodType>(shape: Shape, value: unknown): z.infer<Shape> {
  const outcome = shape.safeParse(value);
  if (outcome.success) return outcome.data;
  const [issue] = outcome.error.issues;
  const problem = `${issue?.path.join(".") || "the body"}: ${issue?.message}`;
  throw new AppError(`Request: ${problem.slice(0, MAX_PROBLEM_LENGTH)}`, { code: "invalid" });
}

/** @throws AppError `too_large`; `invalid` when the body is not JSON or has another shape */
export async function readJson<Shape extends z.ZodType>(
  request: Request,
  shape: Shape,
  maxBytes = MAX_REQUEST_BYTES,
): Promise<z.infer<Shape>> {
  const text = new TextDecoder().decode(await readBytes(request, maxBytes));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError("Request: the body must be JSON", { code: "invalid", cause: error });
  }
  return read(shape, value);
}
