/** Files of schema/generated: up to date with the code, and with the properties of the graph that clients rely on. */
import { describe, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import {
  type GraphQLObjectType,
  getNamedType,
  isIntrospectionType,
  isNonNullType,
  isObjectType,
  validate,
} from "graphql";
import { generate } from "../../../services/all-in-one/generate.ts";
import { REST_ROUTES } from "../../../services/api-gateway/rest/contract.ts";
import { createInventorySchema } from "../../../services/inventory/schema.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import { createPipelineSchema } from "../../../services/queue-service/schema.ts";
import { createTelemetrySchema } from "../../../services/telemetry/schema.ts";
import { ListedFeed, ListedStore } from "../../support/api/listed-store.ts";

const FOLDER = new URL("../../../schema/generated/", import.meta.url);
const printed = generate();
const ROOTS = ["Query", "Mutation", "Subscription"];

/** The first line that is not the same in both texts, with its number; null when the texts are equal. */
function firstDifference(committed: string, wanted: string) {
  if (committed === wanted) return null;
  const [has, wants] = [committed.split("\n"), wanted.split("\n")];
  const index = wants.findIndex((line, at) => line !== has[at]);
  const at = index === -1 ? wants.length : index;
  return { line: at + 1, committed: has[at], generated: wants[at] };
}

describe("schema/generated", () => {
  test("contains the generated files and no others", async () => {
    expect((await readdir(FOLDER)).sort()).toEqual(Object.keys(printed).sort());
  });

  test.each(Object.keys(printed))("%s is up to date (otherwise: bun run generate)", async (name) => {
    const committed = await readFile(new URL(name, FOLDER), "utf8");
    expect(firstDifference(committed, printed[name] ?? "")).toBeNull();
  });
});

describe("the graph", () => {
  const schemas = {
    inventory: createInventorySchema({ repository: new ListedStore() }),
    telemetry: createTelemetrySchema({ repository: new ListedStore(), feed: new ListedFeed() }),
    pipeline: createPipelineSchema({
      queue: openMemoryQueue({ clock: systemClock, maxBytes: 1, maxDeliveries: 5 }),
      clock: systemClock,
    }),
  };
  const fields = Object.entries(schemas).flatMap(([subgraph, schema]) =>
    Object.values(schema.getTypeMap())
      .filter((type): type is GraphQLObjectType => isObjectType(type) && !isIntrospectionType(type))
      .flatMap((type) => Object.values(type.getFields()).map((field) => ({ subgraph, type: type.name, field })))
      // Federation adds `_service` and `_entities`.
      .filter(({ field }) => !field.name.startsWith("_")),
  );
  const nameOf = ({ type, field }: (typeof fields)[number]) => `${type}.${field.name}`;

  test("a field is nullable where its subgraph can be unavailable while the rest of the answer is not", () => {
    const queries = fields.filter(({ type }) => type === "Query");
    expect(queries.filter(({ field }) => isNonNullType(field.type)).map(nameOf)).toEqual([]);
    // An object comes from one subgraph. Another one can add fields to it, and those may be missing.
    const required = fields.filter(({ type, field }) => !ROOTS.includes(type) && isNonNullType(field.type));
    for (const type of new Set(required.map((field) => field.type))) {
      const ofType = required.filter((field) => field.type === type);
      // Both subgraphs have the key of the object.
      const own = ofType.filter((a) => !ofType.some((b) => nameOf(a) === nameOf(b) && a.subgraph !== b.subgraph));
      expect({ type, owners: new Set(own.map(({ subgraph }) => subgraph)).size }).toEqual({ type, owners: 1 });
    }
  });

  test("every page has a default length, a cursor to start after and a cursor of the next page", () => {
    const pages = fields.filter(({ field }) => field.args.some(({ name }) => name === "limit" || name === "after"));
    expect(pages.length).toBeGreaterThan(3);
    for (const page of pages) {
      const { field } = page;
      const argument = (wanted: string) => field.args.find((arg) => arg.name === wanted);
      const { next } = (getNamedType(field.type) as GraphQLObjectType).getFields();
      expect({
        name: nameOf(page),
        limit: argument("limit")?.defaultValue,
        after: String(argument("after")?.type),
        next: String(next?.type),
      }).toEqual({ name: nameOf(page), limit: expect.any(Number), after: "String", next: "String" });
    }
  });

  test("the query behind each REST route is valid in the subgraph that answers it", () => {
    for (const { field, query, subgraph } of REST_ROUTES)
      expect({ field, errors: validate(schemas[subgraph], query) }).toEqual({ field, errors: [] });
  });
});
