/** Measures CSV file → queryable: our `ingest` against VictoriaMetrics, with the same file, on one machine, in turn. */
import type { Figures } from "./figures.ts";
import { FORMS, type FormName } from "./forms.ts";
import { writeInput } from "./input.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { measureIngest } from "./ours.ts";
import { runRounds } from "./rounds.ts";
import { medians } from "./statistics.ts";
import { count, decimal, formatTable, mebibytes } from "./table.ts";
import { findVictoriaMetrics, measureVictoriaMetrics } from "./victoria-metrics.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

export interface IngestBenchOptions {
  readonly readings: number;
  readonly rounds: number;
  readonly forms: readonly FormName[];
}

/** Prints a table of medians for each form of the file. @returns every figure, for `--json` */
export async function benchIngest(options: IngestBenchOptions, print: (text: string) => void) {
  const binary = findVictoriaMetrics();
  await using workspace = await openWorkspace();
  const machine = describeMachine();
  print(`${machineLine(machine)}\n`);
  const forms: Partial<Record<FormName, Awaited<ReturnType<typeof benchForm>>>> = {};
  for (const name of options.forms) forms[name] = await benchForm(name, options, { binary, workspace, print });
  return { bench: "ingest", machine, forms };
}

async function benchForm(
  name: FormName,
  { readings: wanted, rounds }: IngestBenchOptions,
  { binary, workspace, print }: { binary: string; workspace: Workspace; print: (text: string) => void },
) {
  const input = await writeInput(workspace.path, wanted, FORMS[name]);
  const { readings, bytes } = input;
  print(`\n${input.form.title}: ${count(readings)} readings, ${mebibytes(bytes)} MiB of CSV, ${rounds} rounds\n\n`);
  const sides = {
    ours: () => measureIngest(input, workspace),
    victoriaMetrics: () => measureVictoriaMetrics(binary, input, workspace),
  };
  const measured = await runRounds(sides, rounds, ({ ours, victoriaMetrics }, round) =>
    print(`round ${round}: ours ${decimal(ours.wallS)} s, victoria-metrics ${decimal(victoriaMetrics.wallS)} s\n`),
  );
  const ours = medians(measured.map((round) => round.ours));
  const victoriaMetrics = medians(measured.map((round) => round.victoriaMetrics));
  print(`\n${formatMedians(ours, victoriaMetrics, readings)}`);
  const bytesPerReading = { ours: ours.diskBytes / readings, victoriaMetrics: victoriaMetrics.diskBytes / readings };
  return {
    input: { readings, bytes },
    rounds: measured,
    medians: { ours, victoriaMetrics, bytesPerReading },
    ratios: ratiosOf(ours, victoriaMetrics),
  };
}

const ratiosOf = (ours: Figures, theirs: Figures): Figures => ({
  wallS: ours.wallS / theirs.wallS,
  readingsPerS: ours.readingsPerS / theirs.readingsPerS,
  cpuS: ours.cpuS / theirs.cpuS,
  peakBytes: ours.peakBytes / theirs.peakBytes,
  diskBytes: ours.diskBytes / theirs.diskBytes,
});

function formatMedians(ours: Figures, theirs: Figures, readings: number): string {
  const ratios = ratiosOf(ours, theirs);
  const row = (name: string, figure: keyof Figures, format: (value: number) => string, target: string) => [
    name,
    format(ours[figure]),
    format(theirs[figure]),
    `${decimal(ratios[figure])} ×`,
    target,
  ];
  return formatTable([
    ["median", "ours", "victoria-metrics", "ratio", "target"],
    row("readings/s", "readingsPerS", count, "≥ 2.0 ×"),
    row("wall time, s", "wallS", decimal, ""),
    row("CPU time, s", "cpuS", decimal, "≤ 1.0 ×"),
    row("peak memory, MiB", "peakBytes", mebibytes, ""),
    row("disk, MiB", "diskBytes", mebibytes, "≤ 1.5 ×"),
    row("disk, bytes/reading", "diskBytes", (bytes) => decimal(bytes / readings, 3), "≤ 2.5 B"),
  ]);
}
