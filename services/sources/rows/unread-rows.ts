/** Makes a source fail if none of its rows can be read, with a message about its form. */
import { AppError } from "../../../schema/model/errors.ts";
import { shown } from "../../../schema/model/shown.ts";
import type { RowTarget, SkipReason } from "../port.ts";

/** The first row of a source as it is written, for messages. */
export interface FirstRow {
  readonly line: number;
  readonly time: string;
  readonly value: string;
}

/** The form of a source as it was recognised, for the log and for messages. */
export interface Found {
  readonly name: string;
  /** Such as `separator ";"` and `encoding UTF-8`. */
  readonly traits: readonly string[];
  /** Undefined if the source begins with no row. */
  readonly firstRow: FirstRow | undefined;
  /** How the content can be written so that it is read. */
  readonly remedy: string;
}

/** Rows skipped for other reasons were read: nothing is wrong with their form. */
export const FORM_REASONS: ReadonlySet<SkipReason> = new Set<SkipReason>([
  "fields",
  "quote",
  "syntax",
  "too_long",
  "encoding",
  "time",
  "uuid",
  "metric",
  "labels",
  "control",
  "value",
]);

export class UnreadRows {
  readonly #found: Found;
  #hasRead: boolean;
  #skipped = 0;
  #first: { readonly line: number; readonly detail: string } | undefined;

  /** @param isWhole false if rows before have been read elsewhere */
  constructor(found: Found, isWhole: boolean) {
    this.#found = found;
    this.#hasRead = !isWhole;
  }

  /** Returns a target that notices rows, or the target itself once a row has been read. */
  watch(target: RowTarget): RowTarget {
    if (this.#hasRead) return target;
    return {
      slot: (facts, series, holders) => {
        const slot = target.slot(facts, series, holders);
        if (slot < 0) this.#hasRead = true;
        return slot;
      },
      add: (slot, at, value, line) => {
        this.#hasRead = true;
        return target.add(slot, at, value, line);
      },
      skip: (reason, line, detail) => {
        if (reason !== "truncated" && !FORM_REASONS.has(reason)) this.#hasRead = true;
        if (FORM_REASONS.has(reason)) this.#count(line, detail);
        target.skip(reason, line, detail);
      },
      ignored: (label, metric) => target.ignored(label, metric),
    };
  }

  #count(line: number, detail: () => string): void {
    this.#skipped++;
    this.#first ??= { line, detail: detail() };
  }

  /** @throws AppError `invalid` if the source has rows and none of them could be read */
  atEnd(): void {
    if (this.#hasRead || this.#first === undefined) return;
    const { name, traits, firstRow, remedy } = this.#found;
    const { line, detail } = this.#first;
    const rows = this.#skipped === 1 ? "its only row cannot be read" : `none of its ${this.#skipped} rows can be read`;
    const begins =
      firstRow === undefined
        ? []
        : [`first time ${shown(firstRow.time)}`, `first number ${shown(firstRow.value)} in line ${firstRow.line}`];
    throw new AppError(
      `Cannot read ${name}: ${rows}; found ${[...traits, ...begins].join(", ")}; line ${line}: ${detail}; ${remedy}`,
      { code: "invalid" },
    );
  }
}
