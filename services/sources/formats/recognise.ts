/** Recognises the format of a file by its content. */
import { lacksZone } from "../../../schema/dcgm/time.ts";
import type { TimeZone } from "../../../schema/dcgm/time-zone.ts";
import { AppError } from "../../../schema/model/errors.ts";
import { shown } from "../../../schema/model/shown.ts";
import type { TextFile } from "../bytes/encoding.ts";
import { type CsvHeader, readCsvHeader } from "../csv/header.ts";
import { readCsvRows } from "../csv/row-reader.ts";
import { parseSmiHeader } from "../nvidia-smi/table.ts";
import { parseSample } from "../prometheus/exposition.ts";
import { JsonSamples } from "../prometheus/json-samples.ts";
import { isPromtoolLine } from "../prometheus/promtool-text.ts";
import { SeriesSlots } from "../rows/series-slots.ts";
import { expositionFormat, linesOf, promtoolFormat, smiFormat } from "./lines.ts";
import { type Format, type FormatOptions, formsFrom, readWindow } from "./reading.ts";
import { findWideHeader, wideFormat } from "./wide.ts";

const JSON_START = /^\uFEFF?\s*(?:\[|\{\s*"(?:status|data|resultType|result|metric)"\s*:)/;
const JSON_ERROR = /^\uFEFF?\s*\{\s*"status"\s*:\s*"error"/;
const COMMENT = /^#\s*(?:HELP|TYPE|UNIT|EOF)\b/;
const NUMBER = /^[+-]?(?:\d|\.\d|nan|inf)/i;

/** @throws AppError `invalid` for a file in no known format, `unavailable` */
export async function recogniseFormat(text: TextFile, options: FormatOptions): Promise<Format> {
  const beginning = text.beginning.toString("utf8");
  if (JSON_ERROR.test(beginning)) {
    throw new AppError(`Cannot read ${text.file.path}: it holds an error of Prometheus, ${shown(beginning)}`, {
      code: "invalid",
    });
  }
  if (JSON_START.test(beginning)) return jsonFormat(text, options);
  const lines = linesOf(text).filter((line) => line.text.trim() !== "");
  const first = lines[0]?.text ?? "";
  if (isPromtoolLine(first)) return promtoolFormat(text, options);
  const sample = parseSample(lines.find((line) => !line.text.startsWith("#"))?.text ?? "");
  if (COMMENT.test(first) || (sample !== undefined && NUMBER.test(sample.value)))
    return expositionFormat(text, options);
  const columns = parseSmiHeader(first);
  if (columns !== undefined) return smiFormat(text, columns, options);
  const wide = await findWideHeader(text);
  if (wide !== undefined) return wideFormat(text, wide, options);
  const header = readCsvHeader(text);
  return { details: csvDetails(header, options.zone), readFrom: (place) => readCsvRows(text, header, place, options) };
}

/** A comma, UTF-8 and times with a zone are usual, so that only others are news. */
function csvDetails({ columns, separator, encoding, sample }: CsvHeader, { name }: TimeZone): Record<string, string> {
  const hasZone = sample === undefined || !lacksZone(sample.time);
  return {
    ...(separator === "," ? {} : { separator }),
    ...(encoding === "UTF-8" ? {} : { encoding }),
    ...(hasZone ? {} : { timeZone: `${name} (CSV_TIMEZONE) for times without a zone` }),
    columns: columns.names.join(","),
  };
}

function jsonFormat(text: TextFile, options: FormatOptions): Format {
  const format = "Prometheus or VictoriaMetrics JSON";
  const start = text.beginning.subarray(0, 3).equals(Buffer.of(0xef, 0xbb, 0xbf)) ? 3 : 0;
  return {
    details: { format },
    readFrom(place) {
      const from = place.offset < start ? { ...place, offset: start } : place;
      const json = { forms: formsFrom(from, options), slots: new SeriesSlots(options.rules), from };
      return readWindow(text, from.section ?? from.offset, (window) => new JsonSamples(window, json), {
        ...options,
        format,
        isWhole: from.offset === start && from.taken === undefined,
      });
    },
  };
}
