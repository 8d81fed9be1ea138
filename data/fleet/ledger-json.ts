/** Writes a ledger as JSON, one entry a line, with times in RFC 3339. */
import { formatTimestamp } from "../../schema/model/timestamp.ts";
import type { Ledger } from "./ledger.ts";

const TIMES = new Set(["at", "from", "to"]);

const line = (entry: object): string =>
  JSON.stringify(entry, (name, value: unknown) =>
    TIMES.has(name) && typeof value === "number" ? formatTimestamp(value) : value,
  );

export function* ledgerJson(ledger: Ledger): Generator<string, void, void> {
  yield `{"options":${JSON.stringify(ledger.options)}`;
  for (const name of ["placements", "holds", "occupancies", "events"] as const) {
    yield `,\n"${name}":[`;
    let separator = "\n";
    for (const entry of ledger[name]) {
      yield separator + line(entry);
      separator = ",\n";
    }
    yield "\n]";
  }
  yield "}\n";
}
