/** A simple model of reading a DCGM CSV file: line by line, all through csv-parse. */
import { type CsvError, parse } from "csv-parse/sync";
import { parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import { RowIdentities } from "../../../schema/dcgm/row-identities.ts";
import { lastRowTime, RowTimes } from "../../../schema/dcgm/time.ts";
import { type TimeZone, UTC } from "../../../schema/dcgm/time-zone.ts";
import { parseDcgmValue } from "../../../schema/dcgm/value.ts";
import { keepRows, rowClock, type Taken, usualRules } from "./dcgm-file.ts";

/** The readings and skips of all lines that end with a newline. */
export function readByModel(content: Buffer, zone: TimeZone = UTC): Taken {
  const times = new RowTimes(zone);
  const kept = keepRows();
  const latin = content.toString("latin1");
  const lines = latin.split("\n").map((text) => Buffer.from(text, "latin1"));
  const headers = [",", ";", "\t", "|"].map((delimiter) => ({
    delimiter,
    header: parseDcgmHeader(parse(lines[0] as Buffer, { delimiter })[0] as string[]),
  }));
  const { delimiter, header } = headers.find((one) => one.header.ok) ?? { delimiter: ",", header: undefined };
  if (!header?.ok) throw new Error("no separator gives a header");
  const withPoint = (text: string) =>
    delimiter === ";" && !text.includes(".") ? text.replace(/^([^,]*),([^,]*)$/, "$1.$2") : text;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const decode = (bytes: Uint8Array) => {
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  };
  const record = (text: string): string[] | "open" | "invalid" => {
    try {
      return (
        (parse(text, { delimiter, relax_column_count: true, record_delimiter: "\n" }) as string[][])[0] ?? "invalid"
      );
    } catch (error) {
      return (error as CsvError).code === "CSV_QUOTE_NOT_CLOSED" ? "open" : "invalid";
    }
  };
  const bare = (bytes: Buffer) => (bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes);
  const give = (fields: string[], at: number) => {
    const identity = new RowIdentities({ columns: header.value, rules: usualRules }).of(fields);
    if (!identity.ok) return kept.skip(identity.error.reason, at, () => identity.error.detail);
    const slot = kept.slot(identity.value.facts, identity.value.series, identity.value.holders);
    const when = times.parse(withPoint(fields[header.value.timestamp] ?? ""), lastRowTime(rowClock.now()));
    if (!when.ok) return kept.skip(when.error.reason, at, () => when.error.detail);
    const number = parseDcgmValue(withPoint(fields[header.value.value] ?? ""));
    if (!number.ok) return kept.skip(number.error.reason, at, () => number.error.detail);
    kept.add(slot, when.value, number.value, at);
  };
  // Other tests cover a last line without a newline.
  const count = lines.length - 1;
  for (let index = 1; index < count; ) {
    const at = index + 1;
    const first = lines[index] as Buffer;
    index += 1;
    if (first.length > 65_536) kept.skip("too_long", at, () => "");
    else if (bare(first).length === 0) continue;
    else if (decode(bare(first)) === undefined) kept.skip("encoding", at, () => "");
    else {
      let outcome: string[] | "open" | "invalid" = "open";
      let used = 0;
      while (outcome === "open" && used < 8 && index - 1 + used < count) {
        used += 1;
        const bytes = Buffer.from(
          lines
            .slice(index - 1, index - 1 + used)
            .map((l) => l.toString("latin1"))
            .join("\n"),
          "latin1",
        );
        const text = bytes.length > 65_536 ? undefined : decode(bare(bytes));
        outcome = text === undefined ? "invalid" : record(text);
      }
      if (typeof outcome === "string") kept.skip("quote", at, () => "");
      else {
        index += used - 1;
        give(outcome, at);
      }
    }
  }
  return kept;
}
