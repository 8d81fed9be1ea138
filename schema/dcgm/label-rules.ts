/** Applies the table of label classes and the user's overrides. */
import { isDeviceMetric } from "../model/metric.ts";
import { fail, ok, type Result } from "../model/result.ts";
import { shown } from "../model/shown.ts";
import { LABEL_CLASSES, LABEL_TABLE, type LabelClass, type LabelPattern } from "./label-classes.ts";

/**
 * - `classes`: win over the table; the first match decides
 * - `exporterPods`: a pod, container or host whose name contains one of these texts is the exporter's own
 */
export interface LabelOptions {
  readonly classes: readonly LabelPattern[];
  readonly exporterPods: readonly string[];
}

export const DEFAULT_LABELS: LabelOptions = {
  classes: [],
  exporterPods: ["dcgm-exporter", "gpu-exporter", "nvidia_gpu_exporter"],
};

export interface LabelRules {
  /** @param metric canonical name of the reading's metric, which decides the class of labels that nothing names */
  classOf(label: string, metric: string): LabelClass;
  isExporter(name: string): boolean;
}

/** Labels whose class is remembered. A file has a few dozen; more come from input made to fill the memory. */
const MAX_REMEMBERED = 10_000;

/** A function that tells whether a label matches the glob; linear in the label's length, whatever the glob. */
export function globMatcher(glob: string): (label: string) => boolean {
  const [first = "", ...rest] = glob.split("*");
  const last = rest.pop();
  if (last === undefined) return (label) => label === glob;
  return (label) => {
    if (!label.startsWith(first) || label.length < first.length + last.length || !label.endsWith(last)) return false;
    const end = label.length - last.length;
    let at = first.length;
    for (const part of rest) {
      const found = label.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}

export function createLabelRules({ classes, exporterPods }: LabelOptions): LabelRules {
  const patterns = [...classes, ...LABEL_TABLE].map((pattern) => ({ ...pattern, matches: globMatcher(pattern.glob) }));
  const remembered = new Map<string, LabelClass | undefined>();
  const named = (label: string): LabelClass | undefined => {
    const known = remembered.get(label);
    if (known !== undefined || remembered.has(label)) return known;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    const found = patterns.find(({ matches }) => matches(label))?.class;
    remembered.set(label, found);
    return found;
  };
  return {
    classOf: (label, metric) => named(label) ?? (isDeviceMetric(metric) ? "ignored" : "series"),
    isExporter: (name) => exporterPods.some((text) => name.includes(text)),
  };
}

const GLOB = /^[a-zA-Z0-9_*]+$/;

/** Describes the accepted text in error messages. */
export const LABEL_CLASSES_FORM = `glob=class, separated by commas, such as team_*=series; classes are ${LABEL_CLASSES.join(", ")}`;

/** Parses overrides such as `team=series,dra_*=ignored`; the error shows the first part that is none. */
export function parseLabelClasses(text: string): Result<readonly LabelPattern[]> {
  const patterns: LabelPattern[] = [];
  for (const part of text.split(",").map((given) => given.trim())) {
    const [glob = "", name, more] = part.split("=").map((given) => given.trim());
    const labelClass = LABEL_CLASSES.find((candidate) => candidate === name);
    if (!GLOB.test(glob) || labelClass === undefined || more !== undefined) {
      return fail(`label class must be ${LABEL_CLASSES_FORM}, got ${shown(part)}`);
    }
    patterns.push({ glob, class: labelClass });
  }
  return ok(patterns);
}
