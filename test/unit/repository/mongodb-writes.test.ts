/** Counts the documents that the MongoDB store writes for inventory and holds, in addition to those of the readings. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { countWrites } from "../../support/repository/mongo-writes.ts";
import { requireMongo } from "../../support/servers/mongo-server.ts";

setDefaultTimeout(120_000);

const server = await requireMongo("MongoDB repository, writes");
afterAll(async () => server?.[Symbol.asyncDispose]());

/** Few GPUs with a reading each second: as many documents a minute as 240 GPUs with one every 10 seconds. */
const SMALL = { gpus: 24, collectors: 4, stepMs: 1000, warm: 12, ticks: 70, instances: 3, changes: 0 } as const;

describe.skipIf(server === null)("MongoDB store", () => {
  test("writes at most 1 % of the readings' documents for inventory and holds, with four collectors", async () => {
    const { readings, others, commands, saves } = await countWrites(server?.uri ?? "", SMALL);
    expect(readings).toBe(SMALL.gpus * SMALL.ticks);
    expect(others).toBeGreaterThan(0);
    expect(others).toBeLessThanOrEqual(readings / 100);
    // A save that changes no hold: its readings, the turns of its GPUs, and its position.
    const perSave = ["insert telemetry_points", "find turns", "update positions"].map((name) => commands.get(name));
    expect(perSave).toEqual([saves, saves, saves]);
    const rest = [...commands.values()].reduce((sum, count) => sum + count, 0) - 3 * saves;
    expect(rest).toBeLessThanOrEqual(saves / 5);
  });
});
