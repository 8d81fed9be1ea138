/** Reads from the environment which sources to read. */
import { fileURLToPath } from "node:url";
import {
  DEFAULT_LABELS,
  LABEL_CLASSES_FORM,
  type LabelOptions,
  parseLabelClasses,
} from "../../schema/dcgm/label-rules.ts";
import { createTimeZone, UTC } from "../../schema/dcgm/time-zone.ts";
import { type Env, parsed, parseEnv, text } from "../platform/process/env.ts";

export interface SourcesConfig {
  readonly kind: "files";
  /** Files, directories or globs. */
  readonly paths: readonly string[];
  /** By path: the file that holds its content, where the path itself names none, as for standard input. */
  readonly copies: ReadonlyMap<string, string>;
  readonly labels: LabelOptions;
  /** IANA name of the zone of times that do not name theirs. */
  readonly timeZone: string;
  /** Host of the GPUs in files of nvidia-smi; undefined: the file's name. */
  readonly host: string | undefined;
}

const SAMPLE = fileURLToPath(new URL("../../data/sample.csv.gz", import.meta.url));

const labelClasses = () =>
  parsed(LABEL_CLASSES_FORM, (given) => {
    const classes = parseLabelClasses(given);
    return classes.ok ? classes.value : undefined;
  });

const texts = () =>
  parsed("texts without spaces, separated by commas", (given) => {
    const found = given.split(",").map((part) => part.trim());
    return found.some((part) => !/^\S+$/.test(part)) ? undefined : (found as readonly string[]);
  });

const timeZone = () =>
  parsed("the IANA name of a time zone such as UTC or Europe/Berlin", (given) => createTimeZone(given)?.name);

const host = () =>
  parsed("a host name without spaces and slashes", (given) => (/^[^\s/]{1,253}$/.test(given) ? given : undefined));

const LABELS = {
  LABEL_CLASSES: labelClasses().default(DEFAULT_LABELS.classes),
  EXPORTER_PODS: texts().default(DEFAULT_LABELS.exporterPods),
};

/** Reads what labels mean, for programs that read no files. @throws ConfigError with every problem found */
export function readLabelOptions(env: Env): LabelOptions {
  const given = parseEnv(env, LABELS);
  return { classes: given.LABEL_CLASSES, exporterPods: given.EXPORTER_PODS };
}

/** @throws ConfigError with every problem found */
export function readSourcesConfig(env: Env): SourcesConfig {
  const given = parseEnv(env, {
    CSV_PATH: text().default(SAMPLE),
    CSV_TIMEZONE: timeZone().default(UTC.name),
    CSV_HOST: host().optional(),
    ...LABELS,
  });
  return {
    kind: "files",
    paths: [given.CSV_PATH],
    copies: new Map(),
    timeZone: given.CSV_TIMEZONE,
    host: given.CSV_HOST,
    labels: { classes: given.LABEL_CLASSES, exporterPods: given.EXPORTER_PODS },
  };
}
