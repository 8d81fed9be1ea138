import { expect, test } from "bun:test";
import { medians } from "../../bench/statistics.ts";
import { formatTable } from "../../bench/table.ts";
import { BUN, startProgram } from "../../support/programs/process.ts";

test("medians() takes the median of each figure separately", () => {
  const rounds = [
    { wallS: 3, cpuS: 10 },
    { wallS: 1, cpuS: 30 },
    { wallS: 20, cpuS: 20 },
  ];
  expect(medians(rounds)).toEqual({ wallS: 3, cpuS: 20 });
  expect(medians(rounds.slice(0, 2))).toEqual({ wallS: 2, cpuS: 20 });
});

test("formatTable() aligns names to the left and figures to the right", () => {
  expect(
    formatTable([
      ["", "ours"],
      ["wall time", "1.50"],
    ]),
  ).toBe("            ours\nwall time   1.50\n");
});

test("bench rejects unknown names and options, and prints its usage", async () => {
  const benches =
    "NAME must be one of abuse, api, backlog, formats, ingest, live, memory, mongodb-writes, new-gpus, pipeline, queue";
  for (const [args, complaint] of [
    [[], `${benches}, got ""`],
    [["speed"], `${benches}, got "speed"`],
    [["ingest", "memory"], `${benches}, got "ingest memory"`],
    [["ingest", "--rounds", "0"], '--rounds must be a whole number from 1 to 100, got "0"'],
    [["memory", "--size", "big"], '--size must be a size such as 64KiB, 512MiB or 1GiB, got "big"'],
    [["ingest", "--fast"], "--fast"],
  ] as const) {
    await using bench = startProgram([BUN, "test/bench/main.ts", ...args]);
    expect([args, await bench.exited]).toEqual([args, 2]);
    expect(bench.output.stderr).toContain(complaint);
    expect(bench.output.stderr).toContain("Usage: npx -y bun run bench NAME");
  }
});

test("bench ingest says how to install VictoriaMetrics when it is missing", async () => {
  await using bench = startProgram([BUN, "test/bench/main.ts", "ingest"], { PATH: "/nonexistent" });
  expect(await bench.exited).toBe(1);
  expect(bench.output.stderr).toContain("apt-get install victoria-metrics");
});
