/** Parses the values of DCGM's exports: numbers, and DCGM's blanks. */
import { fail, ok, type Result } from "../model/result.ts";
import { shown } from "../model/shown.ts";

export interface ValueFault {
  /** `blank`: DCGM has no value; `not_finite`: NaN, infinite or too large; `value`: not a number. */
  readonly reason: "blank" | "not_finite" | "value";
  readonly detail: string;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NOT_FINITE = /^[+-]?(?:nan|inf|infinity)$/i;
const BLANK_TEXT = /^(?:|n\/a|\[n\/a\]|\[not supported\]|<<<.*>>>)$/i;

const INT32_BLANK = 0x7ffffff0;
const FP64_BLANK = 140737488355328;
const INT64_BLANK = 9.2e18;

/**
 * True for DCGM's sentinels for blank, not found, not supported and not permissioned (dcgm_fields.h). The four INT64
 * sentinels are the same double, so every number from 9.2e18 on counts as one of them.
 */
export function isBlankNumber(value: number): boolean {
  if (value < INT32_BLANK) return false;
  if (value >= INT64_BLANK) return true;
  const beyond = value < FP64_BLANK ? value - INT32_BLANK : value - FP64_BLANK;
  return beyond === 0 || beyond === 1 || beyond === 2 || beyond === 3;
}

/** Returns the error message for a number that is one of DCGM's blanks. */
export const describeBlank = (text: string): string => `value must be a measurement, got DCGM's blank ${shown(text)}`;

/** Parses a finite decimal number as Prometheus prints it. Refuses spaces, `0x10` and `1_000`. */
export function parseDcgmValue(text: string): Result<number, ValueFault> {
  if (!NUMBER.test(text)) {
    if (BLANK_TEXT.test(text))
      return fail({ reason: "blank", detail: `value must be a measurement, got ${shown(text)}` });
    if (NOT_FINITE.test(text))
      return fail({ reason: "not_finite", detail: `value must be a finite number, got ${shown(text)}` });
    return fail({ reason: "value", detail: `value must be a number such as 42 or 0.5, got ${shown(text)}` });
  }
  const value = Number(text);
  if (!Number.isFinite(value))
    return fail({ reason: "not_finite", detail: `value must be a finite number, got ${shown(text)}` });
  if (isBlankNumber(value)) return fail({ reason: "blank", detail: describeBlank(text) });
  return ok(value);
}
