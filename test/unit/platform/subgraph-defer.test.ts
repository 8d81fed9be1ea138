import { expect, test } from "bun:test";
import { UTIL, uuidOf } from "../../support/api/fleet.ts";
import { openParts } from "../../support/api/parts.ts";
import { openTelemetry } from "../../support/api/subgraph.ts";

test("a subgraph answers a query with @defer in parts, without the gateway", async () => {
  await using subgraph = await openTelemetry();
  const gate = Promise.withResolvers<void>();
  subgraph.store.before = () => gate.promise;
  const query = `{ _entities(representations: [{ __typename: "Gpu", uuid: "${uuidOf(2)}" }]) {
    ... on Gpu { uuid ... @defer { latest(metrics: ["${UTIL}"]) { value } } } } }`;
  await using parts = await openParts(new URL(subgraph.url).origin, { query });
  expect(await parts.next()).toEqual({ data: { _entities: [{ uuid: uuidOf(2) }] }, hasNext: true });
  gate.resolve();
  const later = await parts.rest();
  const incremental = later.flatMap((part) => part.incremental ?? []);
  expect(incremental).toEqual([{ data: { latest: [{ value: 3 }] }, path: ["_entities", 0] }]);
  expect(later.at(-1)?.hasNext).toBe(false);
});
