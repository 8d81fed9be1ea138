import { expect, test } from "bun:test";
import { parseArguments, UsageError } from "../../../data/arguments.ts";
import { DEFAULT_SIMULATION } from "../../../data/simulation.ts";
import { BUN, startProgram } from "../../support/programs/process.ts";

const refusal = (...args: string[]): string => {
  try {
    parseArguments(args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "accepted";
};

test("without options the generator writes the committed sample", () => {
  expect(parseArguments([])).toEqual({ ...DEFAULT_SIMULATION, out: null });
  expect(parseArguments(["--out", "-"])).toEqual({ ...DEFAULT_SIMULATION, out: "-" });
});

test("every option of the generator is read", () => {
  const line =
    "--hosts 30 --gpus 4 --interval 5s --duration 24h --start 2026-01-01T00:00:00Z --seed 7 --out big.csv.zst";
  expect(parseArguments(line.split(" "))).toEqual({
    hosts: 30,
    gpusPerHost: 4,
    intervalMs: 5000,
    durationMs: 86_400_000,
    startMs: Date.UTC(2026, 0, 1),
    seed: 7,
    out: "big.csv.zst",
  });
});

test("a bad command line is refused with option, value and what is accepted", () => {
  expect(refusal("--gpus", "17", "--out", "-")).toBe('--gpus "17": accepted is a whole number from 1 to 16');
  expect(refusal("--hosts", "x", "--out", "-")).toBe('--hosts "x": accepted is a whole number from 1 to 100000');
  expect(refusal("--interval", "0", "--out", "-")).toContain('--interval "0": accepted is a duration such as');
  expect(refusal("--duration", "1 hour", "--out", "-")).toContain("--duration");
  expect(refusal("--start", "2026-01-01", "--out", "-")).toContain("--start must be an RFC 3339 time");
  expect(refusal("--seed", "-1", "--out", "-")).toContain("--seed");
  expect(refusal("--hosts", "2")).toContain("--out is missing");
  expect(refusal("--out", "")).toContain("--out is empty");
  expect(refusal("--gpu", "2")).toContain("--gpu");
  expect(refusal("fleet.csv")).toContain("fleet.csv");
});

test("the generator exits 2 on bad usage and 1 when it cannot write", async () => {
  await using misused = startProgram([BUN, "data/generate.ts", "--hosts", "0", "--out", "-"]);
  expect(await misused.exited).toBe(2);
  expect(misused.output.stderr).toContain("Usage:");
  expect(misused.output.stdout).toBe("");
  await using stuck = startProgram([BUN, "data/generate.ts", "--out", "data/generate.ts/rows.csv"]);
  expect(await stuck.exited).toBe(1);
  expect(stuck.output.stderr).toContain("data/generate.ts/rows.csv");
});
