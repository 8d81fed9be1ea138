/** Measures the API under load against a bare handler with the same bytes, and the cost of federation. */
import { type Server, startBareServer, startServers } from "./api/servers.ts";
import { type Asked, findWrk, type LoadFigures, load, type Question } from "./api/wrk.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { runRounds } from "./rounds.ts";
import { medians } from "./statistics.ts";
import { count, decimal, formatTable } from "./table.ts";
import { openWorkspace } from "./workspace.ts";

export interface ApiBenchOptions {
  readonly rounds: number;
  /** Seconds of load per side and round. */
  readonly seconds: number;
}

const WARM_UP_S = 2;

interface Named extends Question {
  readonly name: string;
}

const GPU = "uuid deviceId gpuIndex modelName hostname container pod namespace";
const READING = "metricName value timestamp";
const INVENTORY = `{ gpus { gpus { ${GPU} } total next } }`;
const LATEST = `{ gpus(limit: 100) { gpus { uuid hostname latest { ${READING} } } } }`;
const telemetryOf = (uuid: string) =>
  `{ gpuTelemetry(uuid: "${uuid}") { gpuUuid telemetry { ${READING} } count next } }`;

const questionsOf = (uuid: string): readonly Named[] => [
  { name: "GET gpus", path: "/api/v1/gpus" },
  {
    name: "GET gpus, all different",
    path: "/api/v1/gpus?limit=1000",
    variedPath: '"/api/v1/gpus?limit=" .. math.random(300, 10000)',
  },
  { name: "GET one GPU", path: `/api/v1/gpus/${uuid}` },
  { name: "GET telemetry, 1,000 readings", path: `/api/v1/gpus/${uuid}/telemetry` },
  { name: "GET health", path: "/health" },
  { name: "GraphQL, inventory", path: "/graphql", query: INVENTORY },
  { name: "GraphQL, latest of 100 GPUs", path: "/graphql", query: LATEST },
  { name: "GraphQL, 1,000 readings", path: "/graphql", query: telemetryOf(uuid) },
];

async function answerTo({ path, query }: Question, url: string): Promise<string> {
  const init =
    query === undefined
      ? {}
      : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query }) };
  const answer = await fetch(url + path, init);
  const text = await answer.text();
  if (!answer.ok || text.startsWith('{"errors"'))
    throw new Error(`${path} answered ${answer.status}: ${text.slice(0, 500)}`);
  return text;
}

interface Side extends Asked {
  readonly side: string;
  readonly question: Question;
}

/** Runs the sides in turn. @returns the medians of each side */
async function measure(sides: readonly Side[], rounds: number, run: (side: Side) => Promise<LoadFigures>) {
  const measured = await runRounds(Object.fromEntries(sides.map((side) => [side.side, () => run(side)])), rounds);
  return Object.fromEntries(
    sides.map(({ side }) => [side, medians(measured.map((round) => round[side] as LoadFigures))]),
  );
}

const cellOf = ({ perS, p99Ms, cpuUs }: LoadFigures): string =>
  `${count(perS)} / ${decimal(p99Ms, 1)} / ${count(cpuUs)}`;

/** Prints each table once its figures are complete. @returns every figure, for `--json` */
export async function benchApi({ rounds, seconds }: ApiBenchOptions, print: (text: string) => void) {
  findWrk();
  await using workspace = await openWorkspace();
  const { signal } = workspace;
  const machine = describeMachine();
  print(`${machineLine(machine)}\n`);
  const folder = await workspace.folder("api");
  await using servers = await startServers(folder);
  const list = JSON.parse(await answerTo({ path: "/api/v1/gpus" }, servers.embedded.url)) as {
    gpus: { uuid: string }[];
  };
  const uuid = list.gpus[100]?.uuid ?? "";
  const questions = questionsOf(uuid);
  const bareOf = (place: number, { path }: Question) => (path === "/graphql" ? `/answer/${place}` : path);
  const answers: Record<string, string> = {};
  for (const [place, question] of questions.entries()) {
    answers[bareOf(place, question)] = await answerTo(question, servers.embedded.url);
  }
  await using bare = await startBareServer(folder, answers);
  print(
    `${list.gpus.length} GPUs, ${rounds} rounds of ${seconds} s, 16 connections of wrk; requests/s / p99 in ms / CPU of the server in µs a request\n\n`,
  );
  const under = (length: number) => (side: Side) => load(side.question, side, { seconds: length, folder, signal });
  const compare = async (sides: readonly Side[]) => {
    await measure(sides, 1, under(WARM_UP_S));
    return await measure(sides, rounds, under(seconds));
  };
  const sideOf = (side: string, question: Question, ...[first, ...others]: readonly Server[]): Side => ({
    side,
    question,
    url: first?.url ?? "",
    pids: [first, ...others].map((server) => server?.pid ?? 0),
  });

  const beside: Record<string, Record<string, LoadFigures>> = {};
  for (const [place, question] of questions.entries()) {
    beside[question.name] = await compare([
      sideOf("ours", question, servers.embedded),
      sideOf("bare", { ...question, path: bareOf(place, question) }, bare),
    ]);
    print(`${question.name}: ${decimal(ratioOf(beside[question.name], "ours", "bare"), 3)} ×\n`);
  }
  print(`\n${formatBeside(beside, answers, questions, bareOf)}\n`);

  const overhead: Record<string, Record<string, LoadFigures>> = {};
  const { embedded, distributed, inventory, telemetry } = servers;
  for (const [name, subgraph, query] of [
    ["inventory", inventory, INVENTORY],
    ["1,000 readings", telemetry, telemetryOf(uuid)],
  ] as const) {
    const question = { path: "/graphql", query };
    overhead[name] = await compare([
      sideOf("subgraph", question, subgraph),
      sideOf("gateway", question, distributed, subgraph),
      sideOf("all-in-one", question, embedded),
    ]);
  }
  const joined = { path: "/graphql", query: LATEST };
  overhead["latest of 100 GPUs, joined"] = await compare([
    sideOf("gateway", joined, distributed, inventory, telemetry),
    sideOf("all-in-one", joined, embedded),
  ]);
  print(formatOverhead(overhead));
  return { bench: "api", machine, rounds, seconds, beside, overhead };
}

type Figures = Readonly<Record<string, LoadFigures>>;

const ratioOf = (figures: Figures | undefined, over: string, under: string): number =>
  (figures?.[over]?.perS ?? Number.NaN) / (figures?.[under]?.perS ?? Number.NaN);

function formatBeside(
  beside: Readonly<Record<string, Figures>>,
  answers: Readonly<Record<string, string>>,
  questions: readonly Named[],
  bareOf: (place: number, question: Question) => string,
): string {
  const rows = questions.map((question, place) => {
    const { ours, bare } = beside[question.name] as Record<"ours" | "bare", LoadFigures>;
    const target = question.name === "GET gpus" ? "≥ 0.25 ×" : "";
    const bytes = answers[bareOf(place, question)]?.length ?? 0;
    const ratio = `${decimal(ours.perS / bare.perS)} ×`;
    return [
      question.name,
      count(bytes),
      cellOf(ours),
      cellOf(bare),
      ratio,
      `${decimal(bare.cpuUs / ours.cpuUs)} ×`,
      target,
    ];
  });
  return formatTable([["", "bytes", "ours", "bare handler", "ratio", "by CPU", "target"], ...rows]);
}

function formatOverhead(overhead: Readonly<Record<string, Figures>>): string {
  const cell = (figures: LoadFigures | undefined): string => (figures === undefined ? "–" : cellOf(figures));
  const times = (ratio: number): string => (Number.isNaN(ratio) ? "–" : `${decimal(ratio)} ×`);
  return formatTable([
    ["the same query of", "a subgraph", "the gateway", "gateway : subgraph", "all-in-one", "all-in-one : subgraph"],
    ...Object.entries(overhead).map(([name, figures]) => [
      name,
      cell(figures.subgraph),
      cell(figures.gateway),
      times(ratioOf(figures, "gateway", "subgraph")),
      cell(figures["all-in-one"]),
      times(ratioOf(figures, "all-in-one", "subgraph")),
    ]),
  ]);
}
