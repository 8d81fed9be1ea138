/** Measures what well-behaved clients notice while others misbehave, and the memory of each process. */
import { join } from "node:path";
import { ATTACKS, CROWD, INTERNAL } from "./abuse/bad.ts";
import type { GoodFigures } from "./abuse/good.ts";
import { type AbuseFigures, type AbuseSize, lossesOf, measureAbuse, storeFleet } from "./abuse/measure.ts";
import { openEmbeddedUnderAbuse, openServicesUnderAbuse, type Wiring } from "./abuse/wirings.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { quantile } from "./statistics.ts";
import { count, decimal, formatTable, mebibytes } from "./table.ts";
import { openWorkspace } from "./workspace.ts";

/** `kinds` are those that take part. */
export type AbuseBenchOptions = Omit<AbuseSize, "only">;

/** The largest allowed query has 250,000 readings. */
const FLEET = { readings: 300_000, gpus: 256 };
/** Bound on an answer of /healthz. */
const HEALTH_MS = 100;
const KINDS = Object.keys(ATTACKS).filter((kind) => kind !== CROWD);

interface Run {
  readonly open: (store: string) => Promise<Wiring>;
  readonly kinds: readonly string[];
  /** Number of misbehaving clients. Default: as the bench is told. */
  readonly bad?: number;
}

const RUNS: Readonly<Record<string, Run>> = {
  "as services, over Redis": { open: openServicesUnderAbuse, kinds: KINDS },
  "in one process": { open: openEmbeddedUnderAbuse, kinds: KINDS.filter((kind) => !INTERNAL.has(kind)) },
  "as services, 1,500 sockets of one address": { open: openServicesUnderAbuse, kinds: [CROWD], bad: 1500 },
};

const p99 = ({ latencies }: GoodFigures): number => quantile(latencies, 0.99);
const listed = (counts: Iterable<[string, number]>): string =>
  [...counts].map(([outcome, times]) => `${outcome} × ${times}`).join(", ") || "none";

function tableOf({ quiet, under, outcomes, processes, clientSeconds }: AbuseFigures): string {
  const row = (name: string, of: (figures: GoodFigures) => string, target = "") => [name, of(quiet), of(under), target];
  return [
    formatTable([
      ["well-behaved clients", "quiet", "under abuse", "target"],
      row("answers", ({ latencies }) => count(latencies.length)),
      row("p50, ms", ({ latencies }) => decimal(quantile(latencies, 0.5), 1)),
      row("p99, ms", (figures) => decimal(p99(figures), 1), `≤ ${decimal(2 * p99(quiet), 1)}`),
      row("live frames", ({ frames }) => count(frames)),
      row("refusals", ({ refusals }) => listed(refusals)),
      row("lost without a code", ({ lost }) => count(lost), "0"),
    ]),
    formatTable([
      ["process", "peak, MiB", "limit, MiB", "CPU, s", "/healthz p50, ms", "p99, ms", `worst, ms (≤ ${HEALTH_MS})`],
      ...Object.entries(processes).map(([name, { peak, limitMiB, healthMs, cpuSeconds }]) => [
        name,
        mebibytes(peak),
        count(limitMiB),
        decimal(cpuSeconds, 1),
        ...[0.5, 0.99, 1].map((share) => decimal(quantile(healthMs, share), 1)),
      ]),
      ["well-behaved clients", "", "", decimal(clientSeconds.good, 1), "", "", ""],
      ["misbehaving clients", "", "", decimal(clientSeconds.bad, 1), "", "", ""],
    ]),
    formatTable([
      ["misbehaving clients", "outcomes"],
      ...Object.entries(outcomes).map(([kind, counts]) => [kind, listed(Object.entries(counts))]),
    ]),
  ].join("\n");
}

/** What is beyond its bound, in words. */
function problemsOf(name: string, { quiet, under, outcomes, processes }: AbuseFigures): string[] {
  const problems: string[] = [];
  for (const [process, { peak, limitMiB, healthMs }] of Object.entries(processes)) {
    if (peak > limitMiB * 2 ** 20) problems.push(`${process} took more than ${limitMiB} MiB`);
    if (quantile(healthMs, 1) > HEALTH_MS) problems.push(`/healthz of ${process} took more than ${HEALTH_MS} ms`);
  }
  if (p99(under) > 2 * p99(quiet)) problems.push("p99 more than doubled");
  if (under.lost > 0) problems.push(`${under.lost} requests of well-behaved clients were lost without a code`);
  for (const loss of lossesOf(outcomes)) problems.push(`lost without a code: ${loss}`);
  return problems.map((problem) => `${name}: ${problem}`);
}

export async function benchAbuse({ kinds: only, ...size }: AbuseBenchOptions, print: (text: string) => void) {
  await using workspace = await openWorkspace();
  const machine = describeMachine();
  print(
    `${machineLine(machine)}\n${size.good} well-behaved and ${size.bad} misbehaving clients for ${size.seconds} s\n\n`,
  );
  const runs: Record<string, AbuseFigures> = {};
  const problems: string[] = [];
  for (const [index, [name, { open, ...run }]] of Object.entries(RUNS).entries()) {
    if (!run.kinds.some((kind) => only.includes(kind))) continue;
    const store = join(workspace.path, `${index}.sqlite`);
    const uuids = await storeFleet(join(workspace.path, String(index)), store, FLEET);
    await using wiring = await open(store);
    const figures = await measureAbuse(wiring, uuids, { ...size, ...run, only });
    runs[name] = figures;
    problems.push(...problemsOf(name, figures));
    print(`${name}\n${tableOf(figures)}\n`);
  }
  print(problems.length === 0 ? "every bound held\n" : `${problems.join("\n")}\n`);
  if (problems.length > 0) process.exitCode = 1;
  return { bench: "abuse", machine, size: { ...size, kinds: only }, runs, problems };
}
