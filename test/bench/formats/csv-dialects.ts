/** CSV as other tools write it. */
import { HEADER } from "../../../data/csv.ts";
import { BY_SERIES, BY_TICK, type FileFormat } from "./format.ts";
import { labelsOf, type Row, seriesOf } from "./rows.ts";

const COLUMNS = HEADER.trim().split(",");

const quoted = (fields: readonly string[], separator: string): string => `"${fields.join(`"${separator}"`)}"\n`;

interface Dialect {
  readonly title: string;
  readonly separator?: string;
  readonly encoding?: BufferEncoding;
  /** Begins the file, before the header. */
  readonly mark?: string;
  readonly time?: (row: Row) => string;
  readonly value?: (row: Row) => string;
}

/** The canonical columns in another notation. */
function dialect({ title, separator = ",", encoding, mark = "", time, value }: Dialect): FileFormat {
  return {
    title,
    file: "fleet.csv",
    together: BY_TICK,
    ...(encoding === undefined ? {} : { encoding }),
    head: `${mark}${COLUMNS.join(separator)}\n`,
    part(rows) {
      let text = "";
      for (const row of rows) {
        const fields = [...row.fields];
        if (time !== undefined) fields[0] = time(row);
        if (value !== undefined) fields[10] = value(row);
        text += quoted(fields, separator);
      }
      return { text, readings: rows.length };
    },
  };
}

/** A section for each series, with its labels as columns. */
const sections: FileFormat = {
  title: "a header per series, Unix seconds",
  file: "fleet.csv",
  together: BY_SERIES,
  part(rows) {
    let text = "";
    for (const [, ofSeries] of Map.groupBy(rows, seriesOf)) {
      const first = ofSeries[0]!;
      const labels = labelsOf(first);
      text += `timestamp,value,__name__,${labels.map(([name]) => name).join(",")}\n`;
      const end = `${first.metric},${labels.map(([, label]) => label).join(",")}\n`;
      for (const { ms, value } of ofSeries) text += `${ms / 1000},${value},${end}`;
    }
    return { text, readings: rows.length };
  },
};

const BYTE_ORDER_MARK = "\ufeff";
const spaced = ({ time }: Row): string => `${time.slice(0, 10)} ${time.slice(11, 19)}`;

export const CSV_DIALECTS: readonly FileFormat[] = [
  dialect({ title: "the usual columns" }),
  dialect({ title: "Unix seconds", time: ({ ms }) => String(ms / 1000) }),
  dialect({ title: "times of pandas", time: (row) => `${spaced(row)}+00:00` }),
  dialect({ title: "times without a zone", time: spaced }),
  dialect({ title: "`;` and decimal commas", separator: ";", value: ({ value }) => value.replace(".", ",") }),
  dialect({ title: "tabs, UTF-16", separator: "\t", encoding: "utf16le", mark: BYTE_ORDER_MARK }),
  sections,
];
