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

test("parseArguments() defaults to the committed sample", () => {
  expect(parseArguments([])).toEqual({ ...DEFAULT_SIMULATION, out: null });
  expect(parseArguments(["--out", "-"])).toEqual({ ...DEFAULT_SIMULATION, out: "-" });
});

test("parseArguments() reads every option", () => {
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

test("parseArguments() rejects a bad value with the option, the value and the accepted values", () => {
  expect(refusal("--gpus", "17", "--out", "-")).toBe('--gpus must be a whole number from 1 to 16, got "17"');
  expect(refusal("--hosts", "x", "--out", "-")).toMatch(/^--hosts must be a whole number from 1 to 100,?000, got "x"$/);
  expect(refusal("--interval", "0", "--out", "-")).toMatch(/^--interval must be a duration such as .*, got "0"$/);
  expect(refusal("--duration", "1 hour", "--out", "-")).toContain("--duration");
  expect(refusal("--start", "2026-01-01", "--out", "-")).toContain("--start must be an RFC 3339 time");
  expect(refusal("--seed", "-1", "--out", "-")).toContain("--seed");
  expect(refusal("--hosts", "2")).toContain("--out must be given with other options");
  expect(refusal("--out", "")).toContain("--out must be a file name");
  expect(refusal("--gpu", "2")).toContain("--gpu");
  expect(refusal("fleet.csv")).toContain("fleet.csv");
});

test("the generator exits with 2 on bad usage, and with 1 if it cannot write", async () => {
  await using misused = startProgram([BUN, "data/generate.ts", "--hosts", "0", "--out", "-"]);
  expect(await misused.exited).toBe(2);
  expect(misused.output.stderr).toContain("Usage:");
  expect(misused.output.stdout).toBe("");
  await using stuck = startProgram([BUN, "data/generate.ts", "--out", "data/generate.ts/rows.csv"]);
  expect(await stuck.exited).toBe(1);
  expect(stuck.output.stderr).toContain("data/generate.ts/rows.csv");
});
