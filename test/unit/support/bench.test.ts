import { expect, test } from "bun:test";
import { medians } from "../../bench/statistics.ts";
import { formatTable } from "../../bench/table.ts";
import { BUN, startProgram } from "../../support/programs/process.ts";

test("medians() takes the middle of each figure by itself", () => {
  const rounds = [
    { wallS: 3, cpuS: 10 },
    { wallS: 1, cpuS: 30 },
    { wallS: 20, cpuS: 20 },
  ];
  expect(medians(rounds)).toEqual({ wallS: 3, cpuS: 20 });
  expect(medians(rounds.slice(0, 2))).toEqual({ wallS: 2, cpuS: 20 });
});

test("formatTable() puts names to the left and figures to the right", () => {
  expect(
    formatTable([
      ["", "ours"],
      ["wall time", "1.50"],
    ]),
  ).toBe("            ours\nwall time   1.50\n");
});

test("bench refuses what it does not know and says what it does", async () => {
  for (const [args, complaint] of [
    [[], "Which bench?"],
    [["speed"], "No bench is called speed"],
    [["ingest", "memory"], "One bench at a time"],
    [["ingest", "--rounds", "0"], '--rounds "0": accepted is a whole number'],
    [["memory", "--size", "big"], '--size "big": accepted is a size'],
    [["ingest", "--fast"], "--fast"],
  ] as const) {
    await using bench = startProgram([BUN, "test/bench/main.ts", ...args]);
    expect([args, await bench.exited]).toEqual([args, 2]);
    expect(bench.output.stderr).toContain(complaint);
    expect(bench.output.stderr).toContain("Usage: bun run bench NAME");
  }
});

test("bench ingest says how to install VictoriaMetrics where it is missing", async () => {
  await using bench = startProgram([BUN, "test/bench/main.ts", "ingest"], { PATH: "/nonexistent" });
  expect(await bench.exited).toBe(1);
  expect(bench.output.stderr).toContain("apt-get install victoria-metrics");
});
