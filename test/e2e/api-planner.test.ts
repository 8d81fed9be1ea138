import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { execute, type GraphQLSchema, parse } from "graphql";
import { createInventorySchema } from "../../services/inventory/schema.ts";
import { openApi } from "../support/api.ts";
import { fillFleet } from "../support/fleet.ts";
import { ListedStore } from "../support/listed-store.ts";

let api: Awaited<ReturnType<typeof openApi>>;
let alone: GraphQLSchema;
beforeAll(async () => {
  api = await openApi({ gpus: 3, ticks: 2 });
  const repository = new ListedStore();
  fillFleet(repository, { gpus: 3, ticks: 2 });
  alone = createInventorySchema({ repository });
});
afterAll(() => api[Symbol.asyncDispose]());

/** Fields with selections of their own, by type; the rest are leaves. */
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

function selections(type: string, depth: number, spread: boolean): fc.Arbitrary<string> {
  const { leaves, nested } = TYPES[type] ?? { leaves: [], nested: [] };
  const condition = fc.constantFrom(...CONDITIONS);
  const part = (head: string, of: string) =>
    fc.tuple(condition, selections(of, depth - 1, spread)).map(([when, inner]) => `${head} ${when} { ${inner} }`);
  const leaf = fc.tuple(fc.constantFrom(...leaves), condition).map((words) => words.join(" "));
  const deeper =
    depth === 0
      ? []
      : [
          ...nested.map(([field, of]) => part(field, of)),
          part(`... on ${type}`, type),
          part("...", type),
          ...(spread && type === "Gpu" ? [condition.map((when) => `...OnGpu ${when}`)] : []),
        ];
  return fc.array(fc.oneof(leaf, ...deeper), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(" "));
}

test("the gateway answers any query as the subgraph alone would", async () => {
  const parts = fc.record({
    root: selections("Query", 5, true),
    onQuery: selections("Query", 2, false),
    onGpu: selections("Gpu", 1, false),
    rootFirst: fc.boolean(),
    yes: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(parts, async ({ root, onQuery, onGpu, rootFirst, yes }) => {
      const query = `query($yes: Boolean! = true) { ${rootFirst ? `${root} ...OnQuery` : `...OnQuery ${root}`} }
        fragment OnQuery on Query { ${onQuery} gpus { gpus { ...OnGpu } } i: __typename @include(if: $yes) }
        fragment OnGpu on Gpu { ${onGpu} }`;
      const expected = await execute({
        schema: alone,
        document: parse(query),
        variableValues: { yes },
        contextValue: {},
      });
      const { data, errors } = await api.graphql(query, { yes });
      fc.pre(errors?.every(({ message }) => message.includes("limit of")) !== true);
      expect(errors).toBeUndefined();
      expect(data).toEqual(JSON.parse(JSON.stringify(expected.data)));
    }),
    { numRuns: 200 },
  );
}, 60_000);
