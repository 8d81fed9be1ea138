/** Provides files as sources. Files are found by path, and each is opened and inspected once. */
import { createLabelRules, type LabelOptions, type LabelRules } from "../../../schema/dcgm/label-rules.ts";
import { lacksZone } from "../../../schema/dcgm/time.ts";
import { createTimeZone, type TimeZone, UTC } from "../../../schema/dcgm/time-zone.ts";
import type { Clock } from "../../platform/process/clock.ts";
import { openText } from "../bytes/encoding.ts";
import { openFile } from "../bytes/open-file.ts";
import { type CsvHeader, readCsvHeader } from "../csv/header.ts";
import { readCsvRows } from "../csv/row-reader.ts";
import type { FoundSource, OpenSource, Sources } from "../port.ts";
import { findFiles } from "./find-files.ts";
import { continues, fingerprintOf } from "./fingerprint.ts";

/** Opens a file once: fingerprint, compression, header and rows all come from the same handle. */
async function openCsv(
  path: string,
  options: { clock: Clock; rules: LabelRules; zone: TimeZone },
): Promise<OpenSource> {
  await using opened = new AsyncDisposableStack();
  const file = opened.use(await openFile(path));
  const text = await openText(file);
  const header = readCsvHeader(text);
  const { size, head, compression } = file;
  const all = opened.move();
  return {
    bytes: size,
    fingerprint: fingerprintOf(head),
    details: {
      ...(compression === "none" ? {} : { compression }),
      ...detailsOf(header, options.zone),
    },
    continues: (earlier) => continues(head, earlier),
    readFrom: (place) => readCsvRows(text, header, place, options),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** A comma, UTF-8 and times with a zone are usual, so that only others are news. */
function detailsOf({ columns, separator, encoding, sample }: CsvHeader, { name }: TimeZone): Record<string, string> {
  const hasZone = sample === undefined || !lacksZone(sample.time);
  return {
    ...(separator === "," ? {} : { separator }),
    ...(encoding === "UTF-8" ? {} : { encoding }),
    ...(hasZone ? {} : { timeZone: `${name} (CSV_TIMEZONE) for times without a zone` }),
    columns: columns.names.join(","),
  };
}

export function openFiles(
  paths: readonly string[],
  { clock, labels, timeZone }: { clock: Clock; labels: LabelOptions; timeZone: string },
): Sources {
  const zone = createTimeZone(timeZone) ?? UTC;
  const rules = createLabelRules(labels);
  return {
    where: paths,
    async find() {
      const found = new Map<string, FoundSource>();
      for (const path of paths) for (const file of await findFiles(path)) found.set(file.name, file);
      return [...found.values()];
    },
    open: ({ name }) => openCsv(name, { clock, rules, zone }),
  };
}
