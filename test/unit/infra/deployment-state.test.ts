import { expect, test } from "bun:test";
import { join } from "node:path";
import { lock, openState } from "../../../infra/scripts/deployment/run/state.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { BUN, ROOT, startProgram } from "../../support/programs/process.ts";
import { eventually } from "../../support/time/eventually.ts";

const HOLDER = `
import { lock, openState } from "${ROOT}/infra/scripts/deployment/run/state.ts";
using held = await lock(openState(process.env.STATE));
console.log("locked");
await Bun.sleep(60_000);
`;

const RUNS = Array.from({ length: 20 });

test("lock() refuses a second run until the first releases the lock", async () => {
  await using folder = await temporaryFolder();
  const state = openState(join(folder.path, "state"));
  {
    using _ = await lock(state);
    await expect(lock(state)).rejects.toThrow(`is running (process ${process.pid})`);
  }
  using _ = await lock(state);
});

test("lock() admits one of many concurrent runs", async () => {
  await using folder = await temporaryFolder();
  const attempts = await Promise.allSettled(RUNS.map(() => lock(openState(folder.path))));
  expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("lock() admits one of many concurrent runs after its process was killed", async () => {
  await using folder = await temporaryFolder();
  const state = openState(folder.path);
  await using holder = startProgram([BUN, "-e", HOLDER], { STATE: folder.path });
  await eventually(() => holder.output.stdout.includes("locked"), { what: "the lock is held" });
  await expect(lock(state)).rejects.toThrow("is running (process ");
  holder.kill("SIGKILL");
  await holder.exited;
  const attempts = await Promise.allSettled(RUNS.map(() => lock(state)));
  expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});
