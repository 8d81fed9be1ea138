/** Reads lists of targets in the form of Prometheus' file_sd and http_sd: `[{"targets": [], "labels": {}}]`. */
import { parse } from "yaml";
import { fail, ok, type Result } from "../../../schema/model/result.ts";
import { shown } from "../../../schema/model/shown.ts";
import { type Target, targetOf } from "./target.ts";

/** Targets of one list; the largest fleets have a tenth of it. */
export const MAX_TARGETS = 20_000;
/** Bytes of one list; one of 20,000 targets with a dozen labels each has less. */
export const MAX_LIST_BYTES = 16 * 1024 * 1024;
/** Problems that an error names; a list in a wrong form has one for each target. */
const MAX_PROBLEMS = 10;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parsedText(text: string, isJson: boolean): Result<unknown> {
  try {
    return ok(isJson ? JSON.parse(text) : parse(text));
  } catch (error) {
    return fail(`list must be ${isJson ? "JSON" : "YAML"}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function labelsOf(given: unknown, place: string, problems: string[]): Readonly<Record<string, string>> {
  if (given === undefined || given === null) return {};
  if (isRecord(given)) {
    const wrong = Object.entries(given).find(([, value]) => typeof value !== "string");
    if (wrong === undefined) return given as Readonly<Record<string, string>>;
    problems.push(`${place}.labels.${wrong[0]} must be a text, got ${shown(JSON.stringify(wrong[1]) ?? "")}`);
    return {};
  }
  problems.push(`${place}.labels must be an object, got ${shown(JSON.stringify(given) ?? "")}`);
  return {};
}

/** Returns each target once, or every problem of the list, up to a bound. */
export function parseTargetGroups(text: string, { isJson }: { isJson: boolean }): Result<readonly Target[]> {
  const value = parsedText(text, isJson);
  if (!value.ok) return value;
  // An empty YAML file is a list without targets.
  const groups = value.value ?? [];
  if (!Array.isArray(groups)) return fail(`list must be an array of {"targets": [], "labels": {}}, got another value`);
  const problems: string[] = [];
  const found = new Map<string, Target>();
  for (const [index, group] of groups.entries()) {
    const place = `[${index}]`;
    const addresses: unknown = isRecord(group) ? group.targets : undefined;
    if (!isRecord(group) || !Array.isArray(addresses)) {
      problems.push(`${place} must be an object with targets, a list of host:port`);
      continue;
    }
    const before = problems.length;
    const labels = labelsOf(group.labels, place, problems);
    if (problems.length > before) continue;
    for (const [number, address] of addresses.entries()) {
      const target = targetOf(typeof address === "string" ? address : "", labels);
      if (target.ok) found.set(target.value.key, target.value);
      else problems.push(`${place}.targets[${number}]: ${target.error}`);
    }
  }
  if (found.size > MAX_TARGETS) problems.push(`list must have at most ${MAX_TARGETS} targets, got ${found.size}`);
  if (problems.length === 0) return ok([...found.values()]);
  const more = problems.length - MAX_PROBLEMS;
  return fail(problems.slice(0, MAX_PROBLEMS).join("; ") + (more > 0 ? `; and ${more} more problems` : ""));
}
