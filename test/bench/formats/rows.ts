/** Rows of the simulated fleet, taken apart, for files in other formats. */
import { HEADER } from "../../../data/csv.ts";

export interface Row {
  /** RFC 3339. */
  readonly time: string;
  /** Since the epoch. */
  readonly ms: number;
  readonly metric: string;
  readonly value: string;
  /** Columns of the canonical file, without quotes around them. */
  readonly fields: readonly string[];
  /** In Prometheus notation, without the metric's name. */
  readonly labels: string;
}

function rowOf(line: string): Row {
  const fields = line.slice(1, -1).split('","');
  const [time = "", metric = ""] = fields;
  const labels = fields[11]!.replaceAll('""', '"').replace(`__name__="${metric}",`, "");
  return { time, ms: Date.parse(time), metric, value: fields[10]!, fields, labels };
}

/**
 * Yields the rows of whole ticks, at least so many together but for the last ones.
 * @param pieces of the canonical file, which end with a row
 */
export function* rowsOf(pieces: Iterable<string>, atLeast: number): Generator<readonly Row[]> {
  let rows: Row[] = [];
  for (const piece of pieces) {
    for (const line of piece.split("\n")) if (line !== "" && `${line}\n` !== HEADER) rows.push(rowOf(line));
    const last = rows.at(-1)?.ms;
    const whole = rows.findLastIndex(({ ms }) => ms !== last) + 1;
    if (whole < atLeast) continue;
    yield rows.slice(0, whole);
    rows = rows.slice(whole);
  }
  if (rows.length > 0) yield rows;
}

export const seriesOf = ({ metric, labels }: Row): string => `${metric}{${labels}}`;

/** A label and its value, for each label. */
export const labelsOf = ({ labels }: Row): (readonly [name: string, value: string])[] =>
  [...labels.matchAll(/([A-Za-z_]\w*)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]);
