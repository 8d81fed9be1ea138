/**
 * The header of a wide frame, which has a column per series instead of a row per reading: Grafana's download of joined
 * series, and pivots of pandas.
 */
import { labelNamed } from "../../../schema/dcgm/columns.ts";
import type { RowFault } from "../../../schema/dcgm/row.ts";
import { parseSeriesText } from "../../../schema/dcgm/series-text.ts";
import { canonicalMetric, isCatalogued } from "../../../schema/model/metric.ts";
import { shown } from "../../../schema/model/shown.ts";
import { parseRecord, SEPARATORS, type Separator } from "../csv/line-fields.ts";

/** A column of values: a metric, or a whole series. */
export interface Measure {
  readonly column: number;
  /** As the header has it. */
  readonly name: string;
  readonly metric: string;
  readonly labels: ReadonlyMap<string, string>;
}

export interface WideColumns {
  readonly separator: Separator;
  readonly count: number;
  readonly time: number;
  /** Columns whose cells are labels of all series of the row. */
  readonly labels: readonly (readonly [name: string, column: number])[];
  readonly measures: readonly Measure[];
  /** Why columns are left out. */
  readonly faults: readonly RowFault[];
}

/** A header, and how many lines it has. */
export interface WideHeader {
  readonly columns: WideColumns;
  readonly lines: number;
}

const TIME = ["timestamp", "time"];
const METRIC = ["metric_name", "__name__", "metric"];
const LABEL_NAME = /^[a-zA-Z_]\w*$/;
const FIELD = /^DCGM_(?:FI|EXP)_\w+$/;
/** Ends of the names of DCGM's fields that are texts (`dcgm_fields.h`). Their columns are labels. */
const TEXT_FIELD = /_(?:VERSION|VER|NAME|BRAND|SERIAL|UUID|BUSID|MODEL)$/;
/** A pivot has a line for each of its levels in front of the line that names the index. */
const MAX_LEVELS = 8;

const isTime = (name = ""): boolean => TIME.includes(name.toLowerCase());
const isMetricColumn = (name: string): boolean => METRIC.includes(name.toLowerCase());
const isMetric = (name: string): boolean =>
  isCatalogued(canonicalMetric(name)) || (FIELD.test(name) && !TEXT_FIELD.test(name));

function fieldsOf(line: string, separator: Separator): readonly string[] | undefined {
  const record = parseRecord(line, separator);
  return record.kind === "fields" ? record.fields.map((field) => field.trim()) : undefined;
}

/** Sorts the columns of a header of one line. Undefined if it is none of a wide frame. */
function columnsIn(names: readonly string[], separator: Separator): WideColumns | undefined {
  const named = names.findIndex(isTime);
  // The index of a pandas frame may have no name.
  const time = named === -1 && names[0] === "" ? 0 : named;
  const isLong = names.some((name) => isMetricColumn(name) || name.toLowerCase() === "value");
  if (time === -1 || isLong) return undefined;
  const labels: (readonly [string, number])[] = [];
  const measures: Measure[] = [];
  const faults: RowFault[] = [];
  for (const [column, name] of names.entries()) {
    if (column === time) continue;
    if (name.includes("{")) {
      const series = parseSeriesText(name);
      const metric = series.ok ? series.value.metric : undefined;
      if (series.ok && metric !== undefined) {
        measures.push({ column, name, metric, labels: series.value.labels });
      } else {
        const detail = series.ok ? `series must name its metric, got ${shown(name)}` : series.error;
        faults.push({ reason: series.ok ? "metric" : "labels", detail: `column ${column + 1}: ${detail}` });
      }
    } else if (isMetric(name)) {
      measures.push({ column, name, metric: name, labels: NO_LABELS });
    } else if (LABEL_NAME.test(name)) {
      labels.push([labelNamed(name), column]);
    } else {
      const accepted = 'a metric, a label or a series such as DCGM_FI_DEV_GPU_TEMP{gpu="0"}';
      faults.push({
        reason: "metric",
        detail: `column ${column + 1} must have the name of ${accepted}, got ${shown(name)}`,
      });
    }
  }
  return measures.length === 0 ? undefined : { separator, count: names.length, time, labels, measures, faults };
}

const NO_LABELS: ReadonlyMap<string, string> = new Map();

/** Joins the levels of a pivot: each line has the values of one level, the last one the name of the index. */
function pivotIn(lines: readonly string[], separator: Separator): WideHeader | undefined {
  const rows: (readonly string[])[] = [];
  for (const line of lines.slice(0, MAX_LEVELS + 1)) {
    const fields = fieldsOf(line, separator);
    if (fields === undefined || fields.length < 2 || fields.length !== (rows[0] ?? fields).length) return undefined;
    rows.push(fields);
    if (isTime(fields[0]) && fields.slice(1).every((field) => field === "")) break;
  }
  const index = rows.at(-1) ?? [];
  if (rows.length < 2 || !isTime(index[0]) || index.slice(1).some((field) => field !== "")) return undefined;
  const levels = rows.slice(0, -1);
  // `values=["value"]` adds a level without a name that says `value` for each column.
  const named = levels.filter(([name = "", ...cells]) => name !== "" || cells.some((cell) => cell !== cells[0]));
  const metrics = named.find(([name = ""]) => isMetricColumn(name));
  if (metrics === undefined || named.some(([name = ""]) => !LABEL_NAME.test(name))) return undefined;
  const others = named.filter((level) => level !== metrics);
  const measures = metrics.slice(1).map((metric, at): Measure => {
    const labels = new Map(others.map((level) => [labelNamed(level[0] ?? ""), level[at + 1] ?? ""]));
    return { column: at + 1, name: [metric, ...labels.values()].join(" "), metric, labels };
  });
  const columns = { separator, count: index.length, time: 0, labels: [], measures, faults: [] };
  return { columns, lines: rows.length };
}

/** Parses a line as the header of a section. Undefined for a line that is none. */
export function parseWideLine(line: string, separator: Separator): WideColumns | undefined {
  const names = fieldsOf(line, separator);
  return names === undefined ? undefined : columnsIn(names, separator);
}

/** Parses the first lines of a file. Undefined if they are not the header of a wide frame. */
export function parseWideHeader(lines: readonly string[]): WideHeader | undefined {
  for (const separator of SEPARATORS) {
    const columns = parseWideLine(lines[0] ?? "", separator);
    if (columns !== undefined) return { columns, lines: 1 };
    const pivot = pivotIn(lines, separator);
    if (pivot !== undefined) return pivot;
  }
  return undefined;
}
