import { describe, expect, test } from "bun:test";
import { buildSchema, type DocumentNode } from "graphql";
import { createYoga } from "graphql-yoga";
import { readApiConfig } from "../../../services/api-gateway/config.ts";
import { createAccess } from "../../../services/api-gateway/edge/access.ts";
import { openGateway } from "../../../services/api-gateway/graph/gateway.ts";
import { keepDocuments } from "../../../services/platform/graphql/documents.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { Turns } from "../../../services/platform/process/turns.ts";

type Parse = (text: string) => DocumentNode;

const config = readApiConfig({});
const openings: Record<string, () => Promise<{ parse: Parse; close: () => unknown }>> = {
  "a subgraph's server": async () => {
    const yoga = createYoga({ schema: buildSchema("type Query { a: Int }"), plugins: [keepDocuments()] });
    return { parse: (text) => yoga.getEnveloped().parse(text) as DocumentNode, close: () => yoga.dispose() };
  },
  "the gateway": async () => {
    const gateway = await openGateway(
      {},
      {
        config,
        access: createAccess(config),
        log: silentLogger,
        turns: new Turns(),
        subscriptions: () => ({}),
      },
    );
    const parse: Parse = (text) => gateway.runtime.getEnveloped({}).parse(text) as DocumentNode;
    return { parse, close: () => gateway[Symbol.asyncDispose]() };
  },
};

for (const [name, open] of Object.entries(openings)) {
  describe(`documents of ${name}`, () => {
    test("are read once while they are asked for, and forgotten when others need the room", async () => {
      const { parse, close } = await open();
      const first = parse("{ __typename }");
      expect(parse("{ __typename }")).toBe(first);
      const long = (n: number) => `{ a${n}: __typename } #${"x".repeat(10_000)}`;
      for (let n = 0; n < 30; n++) {
        parse(long(n));
        if (n < 10) expect(parse("{ __typename }")).toBe(first);
      }
      expect(parse("{ __typename }")).not.toBe(first);
      await close();
    });

    test("are not kept when they are long", async () => {
      const { parse, close } = await open();
      const text = `{ __typename } #${"x".repeat(30_000)}`;
      expect(parse(text)).not.toBe(parse(text));
      await close();
    });
  });
}
