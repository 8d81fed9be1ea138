/** all-in-one of this release on a SQLite file that the previous release's all-in-one has written, and the way back. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DCGM_HEADER } from "../../../schema/dcgm/columns.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import {
  ask,
  differences,
  type GpuList,
  onePass,
  sourceEnded,
  startAllInOne,
  storedReadings,
} from "../../support/programs/all-in-one.ts";
import { addressOf, onRuntime, type Program, startProgram } from "../../support/programs/process.ts";
import { smallExport } from "../../support/sources/dcgm-export.ts";
import { eventually } from "../../support/time/eventually.ts";
import { openPreviousRelease, type PreviousRelease } from "../../support/upgrade/previous-release.ts";

const LIMIT_MS = 120_000;

let previous: PreviousRelease;
beforeAll(async () => {
  previous = await openPreviousRelease();
});
afterAll(() => previous[Symbol.asyncDispose]());

const startEarlier = (env: Record<string, string>): Program =>
  startProgram(onRuntime("bun", previous.file("services/all-in-one/main.ts")), {
    ...{ PORT: "0", LOG_FORMAT: "json" },
    ...env,
  });

async function stop(program: Program): Promise<void> {
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
}

/** Returns a hash of all rows of all tables. The bytes of the file also depend on when its log was last copied. */
function hashOf(path: string): string {
  using database = new DatabaseSync(path, { readOnly: true });
  const hash = createHash("sha256");
  for (const { name, sql } of database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").all()) {
    hash.update(String(sql));
    for (const row of database.prepare(`SELECT * FROM "${name}"`).iterate()) hash.update(Object.values(row).join());
  }
  return hash.digest("hex");
}

const SHARED = ["uuid", "device_id", "gpu_index", "model_name", "hostname", "container", "pod", "namespace"];

/** Answers of routes that both releases have. Both list a GPU's holder as pod, namespace and container. */
async function answersAt(address: string) {
  const { gpus, total } = await ask<GpuList>(`${address}/api/v1/gpus`);
  const shared = gpus.map((gpu) => SHARED.map((field) => (gpu as unknown as Record<string, unknown>)[field]));
  return { gpus: shared, total, readings: await storedReadings(address) };
}

describe.each(["bun", "deno"] as const)("all-in-one on %s with a file of the previous release", (runtime) => {
  test(
    "answers as before, goes on where a killed one was, and refuses the way back without harm",
    async () => {
      await using folder = await temporaryFolder();
      const csv = await smallExport(folder.path);
      const store = join(folder.path, "store.sqlite");
      const env = onePass(csv.path, store);
      /** Leaves the position in the middle of the other file. */
      const empty = join(folder.path, "empty.csv");
      await Bun.write(empty, `${DCGM_HEADER}\n`);
      {
        await using killed = startEarlier({ ...env, STREAM_INTERVAL: "5ms", BATCH_SIZE: "20" });
        const address = await addressOf(killed);
        const some = async () => (await ask<GpuList>(`${address}/api/v1/gpus`)).total > 0;
        await eventually(some, { what: "the first readings of the previous release" });
        killed.kill("SIGKILL");
        await killed.exited;
      }
      const before = await (async () => {
        await using reader = startEarlier({ ...env, CSV_PATH: empty });
        const answers = await answersAt(await addressOf(reader));
        await stop(reader);
        return answers;
      })();
      {
        await using reader = startAllInOne({ ...env, CSV_PATH: empty }, runtime);
        const { readings, ...rest } = await answersAt(await addressOf(reader));
        expect(rest).toEqual({ gpus: before.gpus, total: before.total });
        expect(differences(readings, before.readings)).toEqual([]);
        await stop(reader);
      }
      {
        await using program = startAllInOne(env, runtime);
        const address = await addressOf(program);
        await sourceEnded(program);
        expect(differences(await storedReadings(address), csv.expected)).toEqual([]);
        await stop(program);
      }
      const hash = hashOf(store);
      {
        await using refused = startEarlier(env);
        expect(await refused.exited).not.toBe(0);
        const { stdout, stderr } = refused.output;
        expect(stdout + stderr).toContain("version must be at most 1, got 2; use a newer release");
      }
      expect(hashOf(store)).toBe(hash);
      await using again = startAllInOne(env, runtime);
      expect(differences(await storedReadings(await addressOf(again)), csv.expected)).toEqual([]);
    },
    LIMIT_MS,
  );
});
