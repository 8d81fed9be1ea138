/** Counts the documents that four collectors write into MongoDB in one simulated hour of a fleet. */
import { countWrites, type WritesOptions } from "../support/repository/mongo-writes.ts";
import { requireMongo } from "../support/servers/mongo-server.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { count, decimal, formatTable } from "./table.ts";

const FLEET: WritesOptions = {
  gpus: 240,
  collectors: 4,
  stepMs: 15_000,
  warm: 20,
  ticks: 240,
  instances: 0,
  changes: 0,
};

const CASES: readonly (readonly [name: string, options: WritesOptions])[] = [
  ["a pod per GPU", FLEET],
  ["7 MIG instances on each second GPU", { ...FLEET, instances: 7 }],
  ["a pod per GPU, 10 of them end", { ...FLEET, changes: 10 }],
];

/** Prints a table. @returns every figure, for `--json` */
export async function benchMongodbWrites(print: (text: string) => void) {
  await using server = await requireMongo("bench mongodb-writes");
  if (server === null) throw new Error("A MongoDB-compatible server is needed: set MONGODB_URI");
  const machine = describeMachine();
  print(`${machineLine(machine)}\n${server.name}\n\n`);
  const cases = [];
  for (const [name, options] of CASES) {
    const { readings, others, saves, written, commands } = await countWrites(server.uri, options);
    const share = others / readings;
    cases.push({ name, options, readings, others, share, saves, ...plain({ written, commands }) });
    print(`${name}: ${count(others)} beside ${count(readings)} of readings\n`);
  }
  print(`\n${tableOf(cases)}`);
  return { bench: "mongodb-writes", machine, server: server.name, cases };
}

const plain = (counts: Readonly<Record<string, ReadonlyMap<string, number>>>) =>
  Object.fromEntries(Object.entries(counts).map(([name, counted]) => [name, Object.fromEntries(counted)]));

const COLUMNS = ["telemetry_points", "pulses", "gpus", "holds", "turns", "stays"];

type Case = { readonly name: string; readonly share: number; readonly written?: Readonly<Record<string, number>> };

const tableOf = (cases: readonly Case[]): string =>
  formatTable([
    ["documents written in an hour", ...COLUMNS, "all but the first"],
    ...cases.map(({ name, share, written }) => [
      name,
      ...COLUMNS.map((column) => count(written?.[column] ?? 0)),
      `${decimal(100 * share)} %`,
    ]),
  ]);
