import { afterAll, describe, setDefaultTimeout } from "bun:test";
import { MongoClient } from "mongodb";
import { openRepository } from "../../services/repository/open.ts";
import { randomDatabase, requireMongo } from "../support/servers/mongo-server.ts";
import { openBench } from "./repository/bench.ts";
import { repositoryConformance } from "./repository.ts";

// Servers without indexes scan every document for most reads.
setDefaultTimeout(120_000);

const server = await requireMongo("MongoDB repository");
const url = server?.uri ?? "";
afterAll(async () => server?.[Symbol.asyncDispose]());

describe.skipIf(server === null)("over MongoDB", () => {
  repositoryConformance("mongodb", async ({ retentionMs = 0 } = {}) => {
    const database = randomDatabase();
    return openBench(
      (parts) => openRepository({ kind: "mongodb", url, database, poolSize: 10, retentionMs, format: 2 }, parts),
      async () => {
        await using client = new MongoClient(url);
        await client.db(database).dropDatabase();
      },
    );
  });
});
