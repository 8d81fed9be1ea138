/** The formats whose rows are lines of text. */
import { basename } from "node:path";
import { lacksZone } from "../../../schema/dcgm/time.ts";
import { formatTimestamp } from "../../../schema/model/timestamp.ts";
import type { TextFile } from "../bytes/encoding.ts";
import { lineAt } from "../bytes/text-line.ts";
import { fieldsOf, parseSmiHeader, type SmiColumns, type SmiHost, SmiTable } from "../nvidia-smi/table.ts";
import type { Place } from "../port.ts";
import { Exposition, type FirstSample, parseSample } from "../prometheus/exposition.ts";
import { PromtoolText, seriesOfLine } from "../prometheus/promtool-text.ts";
import { SeriesSlots } from "../rows/series-slots.ts";
import { type LineHandler, TextLines } from "../rows/text-lines.ts";
import { type Format, type FormatOptions, formsFrom, readWindow, type WindowOptions } from "./reading.ts";

const LINE_FEED = 0x0a;
const EXTENSIONS = /(?:\.(?:csv|txt|log|gz|zst))+$/i;
/** Lines of one tick are this close together: nvidia-smi asks one GPU after the other. */
const TICK_MS = 100;

interface Line {
  readonly text: string;
  readonly offset: number;
}

/** The whole lines of the file's beginning. */
export function linesOf({ beginning, isShort }: TextFile): Line[] {
  const lines: Line[] = [];
  for (let from = 0; from < beginning.length; ) {
    const newline = beginning.indexOf(LINE_FEED, from);
    if (newline === -1 && !isShort) break;
    const to = newline === -1 ? beginning.length : newline;
    const text = beginning
      .toString("utf8", from, to)
      .replace(/^\uFEFF/, "")
      .replace(/\r$/, "");
    lines.push({ text, offset: from });
    from = to + 1;
  }
  return lines;
}

type LineOptions = Omit<WindowOptions, "isWhole"> & { readonly isWhole?: boolean };

/** Reads rows that are lines. */
export const readLines = (text: TextFile, place: Place, handler: LineHandler, options: LineOptions) =>
  readWindow(text, place.offset, (window) => new TextLines(window, handler, place), {
    isWhole: place.offset === 0 && place.taken === undefined,
    ...options,
  });

const usedTime = (writtenAt: number): string =>
  `${formatTimestamp(writtenAt)} (when the file was written), as it names none`;

export function expositionFormat(text: TextFile, options: FormatOptions): Format {
  const format = "Prometheus text";
  const writtenAt = text.file.modifiedAt;
  let first: FirstSample | undefined;
  for (const { text: line, offset } of linesOf(text)) {
    const sample = line.startsWith("#") ? undefined : parseSample(line);
    if (sample === undefined || sample.time !== undefined) continue;
    first = { key: sample.key, offset };
    break;
  }
  return {
    details: { format, ...(first === undefined ? {} : { time: usedTime(writtenAt) }) },
    readFrom: (from) => {
      const slots = new SeriesSlots(options.rules);
      const handler = new Exposition({ forms: formsFrom(from, options), slots, writtenAt, first, from });
      return readLines(text, from, handler, { ...options, format });
    },
  };
}

export function promtoolFormat(text: TextFile, options: FormatOptions): Format {
  const format = "promtool text";
  return {
    details: { format },
    async readFrom(from) {
      const slots = new SeriesSlots(options.rules);
      const key = from.section === undefined ? undefined : seriesOfLine(await lineAt(text, from.section));
      const series = key === undefined ? undefined : { key, offset: from.section ?? 0 };
      const handler = new PromtoolText({ forms: formsFrom(from, options), slots, series });
      return readLines(text, from, handler, { ...options, format });
    },
  };
}

export function smiFormat(text: TextFile, columns: SmiColumns, options: FormatOptions): Format {
  const format = "nvidia-smi CSV";
  const { zone } = options;
  const writtenAt = text.file.modifiedAt;
  const rows = linesOf(text)
    .map((line) => fieldsOf(line.text))
    .filter((fields) => fields.length === columns.names.length && fields.join() !== columns.names.join());
  const host = hostOf(text, columns, rows, options);
  const time = columns.time === -1 ? undefined : rows[0]?.[columns.time];
  const usesZone = time !== undefined && lacksZone(time);
  return {
    details: {
      format,
      host: host.name,
      ...(columns.time === -1 ? { time: usedTime(writtenAt) } : {}),
      ...(usesZone ? { timeZone: `${zone.name} (CSV_TIMEZONE) for times without a zone` } : {}),
      columns: columns.names.join(","),
    },
    async readFrom(from) {
      const { section } = from;
      const current = section === undefined ? columns : (parseSmiHeader(await lineAt(text, section)) ?? columns);
      const forms = formsFrom(from, options);
      const slots = new SeriesSlots(options.rules);
      const handler = new SmiTable({ forms, slots, host, writtenAt, columns: current, section });
      return readLines(text, from, handler, { ...options, format });
    },
  };
}

/** NVML numbers GPUs by their place on the bus, so bus ids in order give the indexes of lines that have none. */
function hostOf(text: TextFile, columns: SmiColumns, rows: readonly string[][], { host }: FormatOptions): SmiHost {
  const name = host ?? basename(text.file.path).replace(EXTENSIONS, "").replaceAll(/\s/g, "_");
  const bus = columns.labels.find(([label]) => label === "pci_bus_id")?.[1];
  const busIds = bus === undefined ? [] : [...new Set(rows.map((fields) => fields[bus] ?? ""))].sort();
  const isNamed = columns.labels.some(([label]) => label === "UUID" || label === "gpu" || label === "pci_bus_id");
  return { name, busIds, hasOneGpu: !isNamed && !hasSeveralInATick(columns, rows) };
}

function hasSeveralInATick({ time }: SmiColumns, rows: readonly string[][]): boolean {
  if (time === -1) return rows.length > 1;
  const at = (index: number) => Date.parse(`${rows[index]?.[time]?.replaceAll("/", "-")}Z`);
  return rows.length > 1 && Math.abs(at(1) - at(0)) < TICK_MS;
}
