import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { printChart } from "../../infra/scripts/chart/print.ts";
import { leaves, readValues } from "../../infra/scripts/chart/values.ts";
import { CHART } from "../support/manifests/render.ts";

test("the chart's schema and tables are up to date with values.yaml: bun run chart", async () => {
  for (const [name, text] of Object.entries(await printChart(CHART))) {
    expect({ name, text: await readFile(join(CHART, name), "utf8") }).toEqual({ name, text });
  }
});

test("readValues() distinguishes groups from values, and reads the comment above each value", () => {
  const values = readValues(
    [
      "# A word on the file.",
      "",
      "image:",
      "  # -- The one image",
      "  # of all services",
      '  # @schema {"minLength": 1}',
      "  repository: gpu # not this",
      "  tag: ''",
      "# -- Of every pod",
      '# @schema {"$ref": "#/$defs/pod"}',
      "pod:",
      "  labels: {}",
    ].join("\n"),
  );
  expect(leaves(values)).toEqual([
    {
      path: ["image", "repository"],
      value: "gpu",
      description: "The one image of all services",
      schema: { minLength: 1 },
      members: null,
    },
    { path: ["image", "tag"], value: "", description: "", schema: null, members: null },
    {
      path: ["pod"],
      value: { labels: {} },
      description: "Of every pod",
      schema: { $ref: "#/$defs/pod" },
      members: null,
    },
  ]);
});
