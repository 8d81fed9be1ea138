/** Composes the subgraphs with other vendors' composers, so that the graph does not depend on one of them. */
import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { composeServices } from "@apollo/composition";
import { federateSubgraphs, ROUTER_COMPATIBILITY_VERSION_ONE } from "@wundergraph/composition";
import { buildSchema, parse } from "graphql";

const NAMES = ["inventory", "telemetry", "pipeline"] as const;
type Sdls = Record<string, string>;

const generated = (name: string) =>
  readFile(new URL(`../../../schema/generated/${name}.graphql`, import.meta.url), "utf8");
const committed: Sdls = Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await generated(name)])));

const servicesOf = (sdls: Sdls) =>
  Object.entries(sdls).map(([name, sdl]) => ({ name, url: `http://${name}/graphql`, typeDefs: parse(sdl) }));

/** The errors and warnings of each composer. */
const COMPOSERS: Readonly<Record<string, (sdls: Sdls) => unknown[]>> = {
  Apollo: (sdls) => {
    const { errors = [], hints = [] } = composeServices(servicesOf(sdls));
    return [...errors, ...hints].map(String);
  },
  Cosmo: (sdls) => {
    const subgraphs = servicesOf(sdls).map(({ typeDefs: definitions, ...service }) => ({ ...service, definitions }));
    const composed = federateSubgraphs({ subgraphs, version: ROUTER_COMPATIBILITY_VERSION_ONE });
    return [...(composed.success ? [] : composed.errors), ...composed.warnings].map(String);
  },
};

const { telemetry = "" } = committed;
/** Defects in one subgraph's SDL, under the composer that finds them; "": every composer does. */
const PLANTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "": {
    "another type of a shared field": telemetry.replace("  uuid: ID!", "  uuid: Int!"),
    "a key that is no field": telemetry.replace('@key(fields: "uuid")', '@key(fields: "serial")'),
  },
  Apollo: { "two descriptions of one type": telemetry.replace("RFC 3339 time.", "A time.") },
  Cosmo: {
    "relics of the first version": telemetry
      .replace('import: ["@key"]', 'import: ["@key", "@extends", "@external"]')
      .replace('type Gpu\n  @key(fields: "uuid")', 'type Gpu @extends\n  @key(fields: "uuid")')
      .replace("  uuid: ID!", "  uuid: ID! @external"),
  },
};

for (const [composer, complaints] of Object.entries(COMPOSERS)) {
  test(`${composer} composes the subgraphs without an error or a warning`, () => {
    expect(complaints(committed)).toEqual([]);
  });

  for (const [what, sdl] of Object.entries({ ...PLANTS[""], ...PLANTS[composer] })) {
    test(`${composer} finds ${what}`, () => {
      expect(sdl).not.toBe(telemetry);
      expect(complaints({ ...committed, telemetry: sdl })).not.toBeEmpty();
    });
  }
}

test("the supergraph of Apollo's composer has the same types and fields", async () => {
  const { supergraphSdl = "" } = composeServices(servicesOf(committed));
  const fieldsOf = (sdl: string) => {
    const types = Object.values(buildSchema(sdl, { assumeValid: true }).getTypeMap());
    const ours = types.filter(({ name }) => !/^(__|join__|link__)/.test(name));
    return ours.map((type) => ("getFields" in type ? `${type}: ${Object.keys(type.getFields()).sort()}` : `${type}`));
  };
  expect(fieldsOf(supergraphSdl).sort()).toEqual(fieldsOf(await generated("supergraph")).sort());
});
