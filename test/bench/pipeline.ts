/** Measures CSV file → queryable through the distributed services, against VictoriaMetrics. */
import type { Figures } from "./figures.ts";
import { writeInput } from "./input.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { measurePipeline, type PipelineFigures, PROCESSES } from "./pipeline/ours.ts";
import { measureRecovery, type RecoveryFigures, VICTIMS, type Victim } from "./pipeline/recovery.ts";
import { type BenchStore, openMongoStore, openSqliteStore } from "./pipeline/stores.ts";
import { runRounds } from "./rounds.ts";
import { medians } from "./statistics.ts";
import { count, decimal, formatTable, mebibytes } from "./table.ts";
import { findVictoriaMetrics, measureVictoriaMetrics } from "./victoria-metrics.ts";
import { openWorkspace } from "./workspace.ts";

export interface PipelineBenchOptions {
  readonly readings: number;
  readonly rounds: number;
}

/** Prints the tables. @returns every figure, for `--json` */
export async function benchPipeline({ readings, rounds }: PipelineBenchOptions, print: (text: string) => void) {
  const binary = findVictoriaMetrics();
  await using workspace = await openWorkspace();
  const machine = describeMachine();
  print(`${machineLine(machine)}\n`);
  const input = await writeInput(workspace.path, readings);
  print(`${count(readings)} readings, ${mebibytes(input.bytes)} MiB of CSV, ${rounds} rounds\n\n`);
  const names = new Set<string>();
  const through = async (open: () => Promise<BenchStore>) => {
    await using store = await open();
    names.add(store.name);
    return await measurePipeline(input, store);
  };
  const sides = {
    sqlite: () => through(() => openSqliteStore(workspace)),
    mongo: () => through(openMongoStore),
    victoriaMetrics: () => measureVictoriaMetrics(binary, input, workspace),
  };
  const measured = await runRounds(sides, rounds, (figures, round) => {
    const walls = Object.entries(figures).map(([side, { wallS }]) => `${side} ${decimal(wallS)} s`);
    print(`round ${round}: ${walls.join(", ")}\n`);
  });
  const sqlite = medians(measured.map((round) => round.sqlite));
  const mongo = medians(measured.map((round) => round.mongo));
  const victoriaMetrics = medians(measured.map((round) => round.victoriaMetrics));
  print(`\nstores: ${[...names].join("; ")}\n\n${formatMedians(sqlite, mongo, victoriaMetrics)}`);
  const recovery: Partial<Record<Victim, RecoveryFigures>> = {};
  for (const victim of VICTIMS) {
    const figures: RecoveryFigures[] = [];
    for (let round = 0; round < rounds; round++) figures.push(await measureRecovery(victim, workspace));
    recovery[victim] = medians(figures);
  }
  print(`\n${formatRecovery(recovery as Record<Victim, RecoveryFigures>)}`);
  return {
    bench: "pipeline",
    machine,
    input: { readings, bytes: input.bytes },
    stores: [...names],
    rounds: measured,
    medians: { sqlite, mongo, victoriaMetrics },
    recovery,
    ratios: {
      sqlite: sqlite.readingsPerS / victoriaMetrics.readingsPerS,
      mongo: mongo.readingsPerS / victoriaMetrics.readingsPerS,
    },
  };
}

function formatMedians(sqlite: PipelineFigures, mongo: PipelineFigures, peer: Figures): string {
  const ratio = (figure: "readingsPerS" | "wallS" | "cpuS") => [
    `${decimal(sqlite[figure] / peer[figure])} ×`,
    `${decimal(mongo[figure] / peer[figure])} ×`,
  ];
  const row = (name: string, figure: "readingsPerS" | "wallS" | "cpuS", format: (value: number) => string) => [
    name,
    format(sqlite[figure]),
    format(mongo[figure]),
    format(peer[figure]),
    ...ratio(figure),
  ];
  const cpuRows = PROCESSES.map((name) => {
    const figure = `${name}CpuS` as const;
    return [`  ${name}`, decimal(sqlite[figure]), decimal(mongo[figure]), "", "", ""];
  });
  const peak = [sqlite.streamerPeakBytes, mongo.streamerPeakBytes, peer.peakBytes].map(mebibytes);
  return formatTable([
    ["median", "into SQLite", "into MongoDB", "victoria-metrics", "ratio", "ratio"],
    row("readings/s", "readingsPerS", count),
    row("wall time, s", "wallS", decimal),
    row("CPU time, s", "cpuS", decimal),
    ...cpuRows,
    ["peak memory of the streamer, MiB", ...peak, "", ""],
  ]);
}

const formatRecovery = (recovery: Readonly<Record<Victim, RecoveryFigures>>): string =>
  formatTable([
    ["kill -9 and restart of", "newer readings stored, ms", "all stored, ms"],
    ...VICTIMS.map((victim) => [victim, count(recovery[victim].firstStoredMs), count(recovery[victim].allStoredMs)]),
  ]);
