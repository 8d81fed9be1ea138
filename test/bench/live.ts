/** Measures many live subscribers: the frames of each, their latency, and the cost for the gateway. */
import { readingsPerSecond } from "./live/load.ts";
import { type LiveFigures, type LiveSize, measureLive, TRANSPORTS } from "./live/measure.ts";
import { openEmbeddedUnderLoad, openServicesUnderLoad } from "./live/wirings.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { count, decimal, formatTable, mebibytes } from "./table.ts";
import { openWorkspace } from "./workspace.ts";

const WIRINGS = { "as services, over Redis": openServicesUnderLoad, "in one process": openEmbeddedUnderLoad };

function tableOf({ transports, queries, processes }: LiveFigures): string {
  const row = (name: string, of: (figures: LiveFigures["transports"]["sse"]) => string, target = "") => [
    name,
    ...TRANSPORTS.map((transport) => of(transports[transport])),
    target,
  ];
  return (
    formatTable([
      ["", ...TRANSPORTS, "target"],
      row("frames", ({ frames }) => count(frames)),
      row("fewest per subscriber", ({ fewestFrames }) => count(fewestFrames), "> 1"),
      row("stored → client, p50, ms", ({ p50Ms }) => count(p50Ms)),
      row("p99, ms", ({ p99Ms }) => count(p99Ms), "≤ 150"),
      row("p99 of the middle second, ms", ({ middleSecondP99Ms }) => count(middleSecondP99Ms)),
      row("p99 of the slowest subscriber, ms", ({ worstP99Ms }) => count(worstP99Ms)),
      row("maximum, ms", ({ maxMs }) => count(maxMs)),
      row("values missed", ({ missed }) => count(missed)),
      row("errors of subscribers", ({ troubles }) => troubles.join("; ").slice(0, 200) || "none"),
    ]) +
    formatTable([
      ["", "early, MiB", "at the end, MiB", "CPU, s"],
      ...Object.entries(processes).map(([name, { earlyBytes, lateBytes, cpuS }]) => [
        name,
        mebibytes(earlyBytes),
        mebibytes(lateBytes),
        decimal(cpuS, 1),
      ]),
    ]) +
    `joined queries: ${count(queries.count)}, ${queries.failed} failed, p50 ${count(queries.p50Ms)} ms, ` +
    `p99 ${count(queries.p99Ms)} ms\n\n`
  );
}

export async function benchLive(size: LiveSize, print: (text: string) => void) {
  await using workspace = await openWorkspace();
  const machine = describeMachine();
  print(`${machineLine(machine)}\n`);
  print(
    `${count(size.subscribers)} subscribers over each transport and one that never reads, ` +
      `${count(readingsPerSecond(size))} readings/s for ${size.seconds} s\n\n`,
  );
  const runs: Record<string, LiveFigures> = {};
  for (const [name, open] of Object.entries(WIRINGS)) {
    await using wiring = await open(workspace.path, size);
    const figures = await measureLive(wiring, size);
    runs[name] = figures;
    print(`${name}\n${tableOf(figures)}`);
  }
  return { bench: "live", machine, size, runs };
}
