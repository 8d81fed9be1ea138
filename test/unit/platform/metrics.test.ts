import { expect, test } from "bun:test";
import { createMetrics } from "../../../services/platform/process/metrics.ts";

test("render() begins with a comment that says that the metrics measure the pipeline, and where GPU metrics are", async () => {
  const [first = ""] = (await createMetrics().render()).split("\n");
  expect(first).toMatch(/^# .*pipeline itself.*\/api\/v1\/telemetry/);
});
