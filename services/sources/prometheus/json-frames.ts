/** The objects and lists around samples in JSON. */
import type { RowFault } from "../../../schema/dcgm/row.ts";

/** What an object or list holds. */
export type Role = "object" | "list" | "labels" | "pair" | "pairs" | "ignored";

export interface JsonSeries {
  /** Offset of its object. */
  readonly start: number;
  readonly labels: [name: string, value: string][];
  slot: number | RowFault | undefined;
  /** The list that came first, `values` or `timestamps`, and how far the second one has been read. */
  held: string[];
  heldKey: string | undefined;
  matched: number;
}

/** An object or list that is not closed yet. */
export interface JsonFrame {
  readonly role: Role;
  readonly closing: "}" | "]";
  readonly start: number;
  key: string | undefined;
  series: JsonSeries | undefined;
  readonly texts: string[];
}

/** Returns what an object or list in its parent holds. */
export function roleIn(parent: JsonFrame | undefined, kind: "{" | "["): Role {
  switch (parent?.role) {
    case undefined:
    case "list":
      return kind === "{" ? "object" : "list";
    case "object":
      if (kind === "{") return parent.key === "metric" ? "labels" : parent.series === undefined ? "object" : "ignored";
      if (parent.key === "value") return "pair";
      if (parent.key === "values" || parent.key === "timestamps") return "pairs";
      return parent.series === undefined ? "list" : "ignored";
    case "pairs":
      return kind === "[" ? "pair" : "ignored";
    default:
      return "ignored";
  }
}
