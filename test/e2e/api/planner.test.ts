import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { execute, type GraphQLSchema, parse } from "graphql";
import { createInventorySchema } from "../../../services/inventory/schema.ts";
import { openApi } from "../../support/api/api.ts";
import { fillFleet } from "../../support/api/fleet.ts";
import type { GraphqlAnswer } from "../../support/api/graphql-answer.ts";
import { ListedStore } from "../../support/api/listed-store.ts";
import { mergeParts, openParts } from "../../support/api/parts.ts";

let api: Awaited<ReturnType<typeof openApi>>;
let alone: GraphQLSchema;
beforeAll(async () => {
  api = await openApi({ gpus: 3, ticks: 2 });
  const repository = new ListedStore();
  fillFleet(repository, { gpus: 3, ticks: 2 });
  alone = createInventorySchema({ repository });
});
afterAll(() => api[Symbol.asyncDispose]());

/** The fields of each type: leaves, and those with selections of their own. */
const TYPES: Record<string, { leaves: string[]; nested: [field: string, type: string][] }> = {
  Query: {
    leaves: ["__typename"],
    nested: [
      ["hosts", "Host"],
      ["gpus", "GpuPage"],
      ["x: gpus", "GpuPage"],
    ],
  },
  GpuPage: {
    leaves: ["__typename", "total", "next"],
    nested: [
      ["gpus", "Gpu"],
      ["y: gpus", "Gpu"],
    ],
  },
  Gpu: { leaves: ["uuid", "pod", "hostname", "z: modelName"], nested: [["attributions", "Attribution"]] },
  Host: { leaves: ["__typename", "hostname", "gpus"], nested: [] },
  Attribution: { leaves: ["pod", "from"], nested: [] },
};
const CONDITIONS = ["", "", "", "@include(if: true)", "@skip(if: $yes)", "@include(if: $yes)"];
/** Conditions of fragments only. */
const DEFERRED = ["@defer", "@defer", "@defer(if: $yes)", "@defer @include(if: $yes)"];

interface Shape {
  readonly spread: boolean;
  readonly deferred: boolean;
}

function selections(type: string, depth: number, shape: Shape): fc.Arbitrary<string> {
  const { leaves, nested } = TYPES[type] ?? { leaves: [], nested: [] };
  const condition = fc.constantFrom(...CONDITIONS);
  const onFragment = shape.deferred ? fc.constantFrom(...CONDITIONS, ...DEFERRED) : condition;
  const part = (head: string, of: string, when = condition) =>
    fc.tuple(when, selections(of, depth - 1, shape)).map(([when, inner]) => `${head} ${when} { ${inner} }`);
  const leaf = fc.tuple(fc.constantFrom(...leaves), condition).map((words) => words.join(" "));
  const deeper =
    depth === 0
      ? []
      : [
          ...nested.map(([field, of]) => part(field, of)),
          part(`... on ${type}`, type, onFragment),
          part("...", type, onFragment),
          ...(shape.spread && type === "Gpu" ? [onFragment.map((when) => `...OnGpu ${when}`)] : []),
        ];
  return fc.array(fc.oneof(leaf, ...deeper), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(" "));
}

const queries = (deferred: boolean) =>
  fc
    .record({
      root: selections("Query", 5, { spread: true, deferred }),
      onQuery: selections("Query", 2, { spread: false, deferred }),
      onGpu: selections("Gpu", 1, { spread: false, deferred }),
      rootFirst: fc.boolean(),
      yes: fc.boolean(),
    })
    .map(({ root, onQuery, onGpu, rootFirst, yes }) => ({
      yes,
      query: `query($yes: Boolean! = true) { ${rootFirst ? `${root} ...OnQuery` : `...OnQuery ${root}`} }
        fragment OnQuery on Query { ${onQuery} gpus { gpus { ...OnGpu } } i: __typename @include(if: $yes) }
        fragment OnGpu on Gpu { ${onGpu} }`,
    }));

/** The answer of the subgraph alone to the same query without @defer. */
async function expected(query: string, yes: boolean): Promise<unknown> {
  const document = parse(query.replaceAll(/@defer(\(if: \$yes\))?/g, ""));
  const { data } = await execute({ schema: alone, document, variableValues: { yes }, contextValue: {} });
  return JSON.parse(JSON.stringify(data));
}

/** Whether the query was refused for its depth, its length or its rows. */
const isRefused = ({ errors }: GraphqlAnswer): boolean =>
  errors?.every(({ message }) => /limit of|rows of all lists/.test(message)) === true;

test("the gateway answers any query of one subgraph as that subgraph would", async () => {
  await fc.assert(
    fc.asyncProperty(queries(false), async ({ query, yes }) => {
      const answer = await api.graphql(query, { yes });
      fc.pre(!isRefused(answer));
      expect(answer).toEqual({ status: 200, data: await expected(query, yes) });
    }),
    { numRuns: 200 },
  );
}, 60_000);

test("the parts of any deferred query merge to the same answer", async () => {
  let inParts = 0;
  await fc.assert(
    fc.asyncProperty(queries(true), async ({ query, yes }) => {
      await using answer = await openParts(api.url, { query, variables: { yes } });
      const parts = await answer.rest();
      const merged = mergeParts(parts);
      fc.pre(!isRefused(merged));
      if (parts.length > 1) inParts++;
      expect(merged).toEqual({ data: await expected(query, yes) });
    }),
    { numRuns: 100 },
  );
  expect(inParts).toBeGreaterThan(20);
}, 60_000);
