/**
 * Prometheus' own test scripts, fetched when the test runs. Every eval of a stable feature over floats passes; those
 * that do not are counted here by file and reason.
 */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { scriptsFolder } from "../../support/promql/prometheus-module.ts";
import { runScript } from "../../support/promql/run-script.ts";

const HISTOGRAMS = "native histograms";
const FUNCTIONS = "experimental functions";
const AGGREGATIONS = "experimental aggregations";
const EXTENDED = "anchored and smoothed selectors";
const FILL = "fill modifiers";
const START_TIMES = "start timestamps";
const UNQUOTED = "unquoted UTF-8 names";

/**
 * Evals that do not pass, by file and reason: samples that are native histograms, and what Prometheus has behind
 * feature flags. The numbers may only become smaller.
 */
const LEFT_OUT: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "aggregators.test": { [HISTOGRAMS]: 34, [AGGREGATIONS]: 2 },
  "at_modifier.test": { [FUNCTIONS]: 1 },
  "extended_vectors.test": { [EXTENDED]: 139, [HISTOGRAMS]: 4 },
  "fill-modifier.test": { [FILL]: 49 },
  "functions.test": { [HISTOGRAMS]: 47, [FUNCTIONS]: 133 },
  "histograms.test": { [HISTOGRAMS]: 87, [FUNCTIONS]: 15 },
  "info.test": { [FUNCTIONS]: 69 },
  "limit.test": { [AGGREGATIONS]: 37 },
  "native_histograms.test": { [HISTOGRAMS]: 536, [FUNCTIONS]: 4, [AGGREGATIONS]: 3 },
  "operators.test": { [HISTOGRAMS]: 69 },
  "range_queries.test": { [HISTOGRAMS]: 1, [FUNCTIONS]: 2 },
  "start_timestamps.test": { [START_TIMES]: 14, [EXTENDED]: 14, [HISTOGRAMS]: 8, [FUNCTIONS]: 2 },
  "subquery.test": { [HISTOGRAMS]: 2 },
  "unquoted_utf8_names.test": { [UNQUOTED]: 19 },
};

const folder = scriptsFolder();
const files = readdirSync(folder).filter((name) => name.endsWith(".test"));

test("the module has the scripts that are listed", () => {
  expect(files.length).toBeGreaterThanOrEqual(22);
  expect(Object.keys(LEFT_OUT).filter((name) => !files.includes(name))).toEqual([]);
});

for (const name of files.sort()) {
  test(`${name}: every eval of a stable feature over floats passes`, async () => {
    const { evals, failures } = await runScript(readFileSync(join(folder, name), "utf8"));
    const leftOut: Record<string, number> = {};
    for (const { reason } of failures) if (reason !== null) leftOut[reason] = (leftOut[reason] ?? 0) + 1;
    console.log(`# ${name}: ${evals - failures.length} of ${evals} evals pass`);
    expect(failures.filter(({ reason }) => reason === null)).toEqual([]);
    expect(leftOut).toEqual({ ...LEFT_OUT[name] });
  });
}
