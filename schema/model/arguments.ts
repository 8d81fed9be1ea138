/** Parses the arguments of queries. Every error names the argument, the accepted values and the given one. */
import { AppError } from "./errors.ts";
import { type GpuUuid, parseGpuUuid } from "./gpu.ts";
import { parseMoment } from "./moment.ts";
import { acceptedLimit, decodeCursor, type PageLimits } from "./page.ts";
import { shown } from "./shown.ts";
import type { Window } from "./window.ts";

/** @throws always: AppError `invalid` */
export function refuse(name: string, value: unknown, accepted: string): never {
  throw new AppError(`${name} must be ${accepted}, got ${shown(value)}`, { code: "invalid" });
}

/**
 * @param text unknown, because a federation key may be any JSON value
 * @throws AppError `invalid`
 */
export function parseUuid(text: unknown): GpuUuid {
  if (typeof text !== "string") return refuse("uuid", text, "a string");
  const uuid = parseGpuUuid(text);
  if (uuid.ok) return uuid.value;
  throw new AppError(uuid.error, { code: "invalid" });
}

/** @throws AppError `invalid` */
export function parseLimit(limit: number | null | undefined, limits: PageLimits): number {
  if (limit === null || limit === undefined) return limits.default;
  return limit >= 1 && limit <= limits.max ? limit : refuse("limit", limit, acceptedLimit(limits));
}

function parseBound(name: string, value: unknown, now: number): number {
  const time = parseMoment(value, now);
  if (time.ok) return time.value;
  throw new AppError(`${name} ${time.error}`, { code: "invalid" });
}

/**
 * Converts the API's inclusive bounds to a half-open window in whole milliseconds.
 * @param now ms since the epoch; the same for all windows of a request
 * @throws AppError `invalid` for an invalid time, and for a `startTime` after `endTime`
 */
export function parseWindow(args: { startTime?: unknown; endTime?: unknown }, now: number): Window {
  const start = args.startTime == null ? Number.NEGATIVE_INFINITY : parseBound("startTime", args.startTime, now);
  const end = args.endTime == null ? Number.POSITIVE_INFINITY : parseBound("endTime", args.endTime, now);
  if (start > end) refuse("startTime", args.startTime, `no later than endTime (${String(args.endTime)})`);
  return { from: Math.ceil(start), to: Math.floor(end) + 1 };
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Returns the duration in the largest unit in which it is whole. */
function durationText(ms: number): string {
  const [unit, size] = Object.entries(UNIT_MS).findLast(([, unitMs]) => ms % unitMs === 0) as [string, number];
  return `${ms / size}${unit}`;
}

/**
 * Returns milliseconds. @throws AppError `invalid` unless the value is a duration within the bounds, up to 1h by
 * default
 */
export function parseDuration(
  name: string,
  value: unknown,
  { minMs, maxMs = UNIT_MS.h }: { minMs: number; maxMs?: number },
): number {
  const accepted = `a duration such as 250ms, 1s or 5m, at least ${durationText(minMs)} and at most ${durationText(maxMs)}`;
  const match = typeof value === "string" ? /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(value) : null;
  if (match === null) return refuse(name, value, accepted);
  const duration = Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  return duration >= minMs && duration <= maxMs ? duration : refuse(name, value, accepted);
}

export const MAX_METRICS = 200;

/** Returns the names without duplicates, as given. If absent, returns undefined: every metric. */
export function parseMetrics(names: readonly string[] | null | undefined): readonly string[] | undefined {
  if (names === null || names === undefined) return undefined;
  if (names.length > MAX_METRICS) refuse("metrics", names.length, `a list of at most ${MAX_METRICS} names`);
  return [...new Set(names)];
}

const CURSOR_FORM = "the `next` of the previous page";

/**
 * @param read interprets the parts; returns undefined if they belong to another kind of cursor
 * @throws AppError `invalid`
 */
export function parseCursor<T>(
  text: string | null | undefined,
  read: (parts: readonly unknown[]) => T | undefined,
): T | undefined {
  if (text === null || text === undefined) return undefined;
  const parts = decodeCursor(text);
  return (parts.ok ? read(parts.value) : undefined) ?? refuse("after", text, CURSOR_FORM);
}
