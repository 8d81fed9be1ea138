/** Provides files as sources. Files are found by path, and each is opened and inspected once. */
import { createLabelRules, type LabelOptions } from "../../../schema/dcgm/label-rules.ts";
import { createTimeZone, UTC } from "../../../schema/dcgm/time-zone.ts";
import type { Clock } from "../../platform/process/clock.ts";
import { openText } from "../bytes/encoding.ts";
import { openFile } from "../bytes/open-file.ts";
import type { FormatOptions } from "../formats/reading.ts";
import { recogniseFormat } from "../formats/recognise.ts";
import type { FoundSource, OpenSource, Sources } from "../port.ts";
import { findFiles } from "./find-files.ts";
import { continues, fingerprintOf } from "./fingerprint.ts";

/** Opens a file once: fingerprint, compression, format and rows all come from the same handle. */
async function openSource(path: string, name: string, options: FormatOptions): Promise<OpenSource> {
  await using opened = new AsyncDisposableStack();
  const file = opened.use(await openFile(path, name));
  const { details, readFrom } = await recogniseFormat(await openText(file), options);
  const { size, head, compression } = file;
  const all = opened.move();
  return {
    bytes: size,
    fingerprint: fingerprintOf(head),
    details: { ...(compression === "none" ? {} : { compression }), ...details },
    continues: (earlier) => continues(head, earlier),
    readFrom,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/**
 * - `copies`: by path, the file that holds its content, where the path itself names none
 * - `timeZone`: IANA name of the zone of times that do not name theirs
 * - `host`: of GPUs in files that name none; undefined: the file's name
 */
export interface FilesOptions {
  readonly clock: Clock;
  readonly copies: ReadonlyMap<string, string>;
  readonly labels: LabelOptions;
  readonly timeZone: string;
  readonly host: string | undefined;
}

export function openFiles(paths: readonly string[], { clock, copies, labels, timeZone, host }: FilesOptions): Sources {
  const options = { clock, rules: createLabelRules(labels), zone: createTimeZone(timeZone) ?? UTC, host };
  return {
    where: paths,
    async find() {
      const found = new Map<string, FoundSource>();
      for (const path of paths) {
        const copy = copies.get(path);
        for (const file of await findFiles(copy ?? path)) {
          const source = copy === undefined ? file : { ...file, id: path, name: path };
          found.set(source.name, source);
        }
      }
      return [...found.values()];
    },
    open: ({ name }) => openSource(copies.get(name) ?? name, name, options),
  };
}
