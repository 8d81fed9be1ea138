import { expect, test } from "bun:test";
import { UsageError } from "../../../data/arguments.ts";
import { parseFleetArguments } from "../../../data/fleet/arguments.ts";
import { DEFAULT_FLEET } from "../../../data/fleet/options.ts";
import { BUN, startProgram } from "../../support/programs/process.ts";

const NOW = Date.UTC(2026, 11, 1, 12);

const refusal = (...args: string[]): string => {
  try {
    parseFleetArguments(args, NOW);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "accepted";
};

test("parseFleetArguments() has defaults", () => {
  expect(parseFleetArguments(["--out", "-"], NOW)).toEqual({
    options: DEFAULT_FLEET,
    layout: "columns",
    out: "-",
    ledger: null,
    serve: null,
  });
});

test("parseFleetArguments() reads every option", () => {
  const line =
    "--hosts 30 --gpus 4 --interval 5s --duration 24h --start 2026-01-01T00:00:00Z --seed 7 --mig --time-slicing --slurm " +
    "--faults --scrape rename --host-label hostname --host-is pod --old-namespace --clusters 2 --drop-labels UUID,device --layout labels_raw " +
    "--lookback 5m --out fleet.csv.zst --ledger fleet.json";
  expect(parseFleetArguments(line.split(" "), NOW)).toEqual({
    options: {
      hosts: 30,
      gpusPerHost: 4,
      intervalMs: 5000,
      durationMs: 86_400_000,
      startMs: Date.UTC(2026, 0, 1),
      seed: 7,
      mig: true,
      timeSlicing: true,
      slurm: true,
      faults: true,
      lookbackMs: 300_000,
      scrape: "rename",
      hostLabel: "hostname",
      hostIs: "pod",
      oldNamespace: true,
      clusters: 2,
      dropLabels: ["UUID", "device"],
    },
    layout: "labels_raw",
    out: "fleet.csv.zst",
    ledger: "fleet.json",
    serve: null,
  });
});

test("parseFleetArguments() begins served exporters now", () => {
  const line = "--serve --port 0 --ports per-host --speed 60 --slow-answer 1s";
  expect(parseFleetArguments(line.split(" "), NOW)).toEqual({
    options: { ...DEFAULT_FLEET, startMs: NOW },
    layout: "columns",
    out: null,
    ledger: null,
    serve: { port: 0, ports: "per-host", speed: 60, slowMs: 1000 },
  });
});

test("parseFleetArguments() rejects a bad value with the option, the value and the accepted values", () => {
  expect(refusal("--gpus", "17", "--out", "-")).toBe('--gpus must be a whole number from 1 to 16, got "17"');
  expect(refusal("--lookback", "6m", "--out", "-")).toStartWith("--lookback must be a duration");
  expect(refusal("--interval", "0.5ms", "--out", "-")).toContain("--interval");
  expect(refusal("--layout", "wide", "--out", "-")).toBe(
    '--layout must be one of columns, labels_raw, one-column-per-label, got "wide"',
  );
  expect(refusal("--drop-labels", "UUID,pod", "--out", "-")).toEndWith('got "pod"');
  expect(refusal("--mig")).toBe("--out, --ledger or --serve must be given");
  expect(refusal("--port", "1", "--out", "-")).toBe("--port must be given with --serve");
  expect(refusal("--serve", "--lookback", "5m")).toStartWith("--lookback must be 0 with --serve");
  expect(refusal("--serve", "--ports", "per-host", "--port", "65533")).toStartWith("--port must be a whole number");
  expect(refusal("--ledger", "")).toBe('--ledger must be a file name, got ""');
  expect(refusal("--out", "-", "--ledger", "-")).toBe("only one of --out and --ledger can be standard output");
});

test("the fleet exits with 2 on bad usage, and prints a ledger on standard output", async () => {
  await using misused = startProgram([BUN, "data/fleet/main.ts", "--hosts", "0", "--out", "-"]);
  expect(await misused.exited).toBe(2);
  expect(misused.output.stderr).toContain("Usage: npx -y bun run fleet");
  const options = ["--hosts", "1", "--gpus", "1", "--duration", "1m"];
  await using written = startProgram([BUN, "data/fleet/main.ts", ...options, "--ledger", "-"]);
  expect(await written.exited).toBe(0);
  const ledger = JSON.parse(written.output.stdout);
  expect(Object.keys(ledger)).toEqual(["options", "placements", "holds", "occupancies", "events"]);
  expect(ledger.placements).toMatchObject([{ from: "2026-11-20T10:00:00Z", to: "2026-11-20T10:00:45Z" }]);
});
