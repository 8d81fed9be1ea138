/** Measures the peak memory of `ingest` on a large file. */
import { readingsIn, writeInput } from "./input.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { measureIngest } from "./ours.ts";
import { count, decimal, formatTable, mebibytes } from "./table.ts";
import { openWorkspace } from "./workspace.ts";

export async function benchMemory({ bytes }: { bytes: number }, print: (text: string) => void) {
  await using workspace = await openWorkspace();
  const machine = describeMachine();
  print(`${machineLine(machine)}\n`);
  const input = await writeInput(workspace.path, readingsIn(bytes));
  print(`${count(input.readings)} readings, ${mebibytes(input.bytes)} MiB of CSV\n\n`);
  const ours = await measureIngest(input, workspace);
  print(
    formatTable([
      ["ingest", "", "target"],
      ["peak memory, MB", decimal(ours.peakBytes / 1e6, 1), "≤ 250"],
      ["wall time, s", decimal(ours.wallS), ""],
      ["CPU time, s", decimal(ours.cpuS), ""],
      ["readings/s", count(ours.readingsPerS), ""],
      ["disk, bytes/reading", decimal(ours.diskBytes / input.readings, 3), "≤ 2.5"],
    ]),
  );
  return { bench: "memory", machine, input: { readings: input.readings, bytes: input.bytes }, ours };
}
