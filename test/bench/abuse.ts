/** Measures what well-behaved clients notice while others misbehave, and the memory of each process. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { NumberedFleet } from "../support/chaos/numbered-fleet.ts";
import { ROOT } from "../support/programs/process.ts";
import { type GoodFigures, runGood } from "./abuse/good.ts";
import { openEmbeddedUnderAbuse, openServicesUnderAbuse, type Wiring } from "./abuse/wirings.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { peakBytes } from "./proc.ts";
import { quantile } from "./statistics.ts";
import { count, decimal, formatTable, mebibytes } from "./table.ts";
import { openWorkspace } from "./workspace.ts";

export interface AbuseSize {
  readonly good: number;
  /** Number of misbehaving clients, in equal parts of all kinds. */
  readonly bad: number;
  /** The kinds that take part. */
  readonly kinds: readonly string[];
  readonly seconds: number;
}

type Outcomes = Record<string, Record<string, number>>;

const FLEET = { readings: 300_000, gpus: 256, seed: 7 };
const HEALTH_EVERY_MS = 100;
const WIRINGS = { "as services, over Redis": openServicesUnderAbuse, "in one process": openEmbeddedUnderAbuse };

/** Stores a fleet whose largest allowed query has 250,000 readings. */
async function fill(folder: string, store: string): Promise<readonly string[]> {
  const fleet = NumberedFleet.of(FLEET);
  await mkdir(folder);
  await fleet.write(folder, 1);
  const env = { ...process.env, SQLITE_PATH: store };
  const ingest = Bun.spawn(["bun", "services/all-in-one/ingest.ts", folder], { cwd: ROOT, env, stdout: "ignore" });
  if ((await ingest.exited) !== 0) throw new Error("The fleet could not be stored");
  return fleet.gpus.map((gpu) => fleet.uuid(gpu));
}

/** Asks for /healthz until stopped; returns the durations, ms. */
function watchHealth(url: string): () => Promise<number[]> {
  const durations: number[] = [];
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const startedAt = performance.now();
      const answer = await fetch(`${url}/healthz`).catch(() => null);
      durations.push(answer?.ok ? performance.now() - startedAt : Number.POSITIVE_INFINITY);
      await new Promise((resolve) => setTimeout(resolve, HEALTH_EVERY_MS));
    }
  })();
  return async () => {
    stopped = true;
    await watching;
    return durations;
  };
}

async function measure(wiring: Wiring, uuids: readonly string[], { good, bad, kinds, seconds }: AbuseSize) {
  const { url } = wiring.target;
  const clients = { clients: good, uuids };
  await runGood(url, { ...clients, seconds: Math.max(2, seconds / 10) });
  const quiet = await runGood(url, { ...clients, seconds: Math.max(5, seconds / 3) });
  const spec = JSON.stringify({ ...wiring.target, uuids, clients: bad, kinds, seconds });
  const attackers = Bun.spawn(["bun", join(import.meta.dir, "abuse/bad-program.ts"), spec], { stdout: "pipe" });
  const health = watchHealth(url);
  const under = await runGood(url, { ...clients, seconds });
  const healthMs = await health();
  const outcomes = JSON.parse(await new Response(attackers.stdout).text()) as Outcomes;
  const peaks = Object.fromEntries(
    Object.entries(wiring.processes).map(([name, { pid, limitMiB }]) => [
      name,
      { peak: peakBytes(pid) ?? 0, limitMiB },
    ]),
  );
  return { quiet, under, healthMs, outcomes, peaks };
}

type Figures = Awaited<ReturnType<typeof measure>>;

const refusalsOf = ({ refusals }: GoodFigures): string =>
  [...refusals].map(([code, times]) => `${code}: ${times}`).join(", ") || "none";

/** Outcomes that a bounded server must not have. */
const unanswered = (outcomes: Outcomes): number =>
  Object.values(outcomes)
    .flatMap((counts) => Object.entries(counts))
    .reduce((sum, [outcome, times]) => (/^no answer|closed -1$/.test(outcome) ? sum + times : sum), 0);

function tableOf({ quiet, under, healthMs, outcomes, peaks }: Figures): string {
  const row = (name: string, of: (figures: GoodFigures) => string, target = "") => [name, of(quiet), of(under), target];
  const p99 = ({ latencies }: GoodFigures) => quantile(latencies, 0.99);
  return [
    formatTable([
      ["well-behaved clients", "quiet", "under abuse", "target"],
      row("answers", ({ latencies }) => count(latencies.length)),
      row("p50, ms", ({ latencies }) => decimal(quantile(latencies, 0.5), 1)),
      row("p99, ms", (figures) => decimal(p99(figures), 1), `≤ ${decimal(2 * p99(quiet), 1)}`),
      row("live frames", ({ frames }) => count(frames)),
      row("refusals", refusalsOf),
      row("lost without a code", ({ lost }) => count(lost), "0"),
    ]),
    formatTable([
      ["process", "peak, MiB", "limit, MiB"],
      ...Object.entries(peaks).map(([name, { peak, limitMiB }]) => [
        name,
        mebibytes(peak),
        limitMiB === null ? "–" : count(limitMiB),
      ]),
    ]),
    `/healthz: p50 ${decimal(quantile(healthMs, 0.5), 1)} ms, p99 ${decimal(quantile(healthMs, 0.99), 1)} ms, ` +
      `worst ${decimal(Math.max(...healthMs), 1)} ms (target: ≤ 100 ms)\n`,
    formatTable([
      ["misbehaving clients", "outcomes"],
      ...Object.entries(outcomes).map(([kind, counts]) => [
        kind,
        Object.entries(counts)
          .map(([outcome, times]) => `${outcome} × ${times}`)
          .join(", "),
      ]),
    ]),
    "",
  ].join("\n");
}

/** What is beyond its bound, in words. */
function problemsOf(name: string, { quiet, under, healthMs, outcomes, peaks }: Figures): string[] {
  const problems: string[] = [];
  for (const [process, { peak, limitMiB }] of Object.entries(peaks)) {
    if (limitMiB !== null && peak > limitMiB * 2 ** 20) problems.push(`${process} took more than ${limitMiB} MiB`);
  }
  if (quantile(under.latencies, 0.99) > 2 * quantile(quiet.latencies, 0.99)) problems.push("p99 more than doubled");
  if (Math.max(...healthMs) > 100) problems.push("/healthz took more than 100 ms");
  if (under.lost > 0) problems.push(`${under.lost} requests of well-behaved clients were lost without a code`);
  if (unanswered(outcomes) > 0) problems.push(`${unanswered(outcomes)} misbehaving requests got no code`);
  return problems.map((problem) => `${name}: ${problem}`);
}

export async function benchAbuse(size: AbuseSize, print: (text: string) => void) {
  await using workspace = await openWorkspace();
  const machine = describeMachine();
  print(
    `${machineLine(machine)}\n${size.good} well-behaved and ${size.bad} misbehaving clients for ${size.seconds} s\n\n`,
  );
  const runs: Record<string, Figures> = {};
  const problems: string[] = [];
  for (const [name, open] of Object.entries(WIRINGS)) {
    const store = join(workspace.path, `${Object.keys(runs).length}.sqlite`);
    const uuids = await fill(join(workspace.path, String(Object.keys(runs).length)), store);
    await using wiring = await open(store);
    const figures = await measure(wiring, uuids, size);
    runs[name] = figures;
    problems.push(...problemsOf(name, figures));
    print(`${name}\n${tableOf(figures)}\n`);
  }
  print(problems.length === 0 ? "every bound held\n" : `${problems.join("\n")}\n`);
  if (problems.length > 0) process.exitCode = 1;
  return { bench: "abuse", machine, size, runs, problems };
}
