import { expect, test } from "bun:test";
import { join } from "node:path";
import { lock, openState } from "../../../infra/scripts/deployment/state.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";

test("a lock keeps a second run out, and goes with the first", async () => {
  await using folder = await temporaryFolder();
  const state = openState(join(folder.path, "state"));
  {
    await using _ = await lock(state);
    expect(lock(state)).rejects.toThrow(`is running (process ${process.pid})`);
  }
  await using _ = await lock(state);
  expect(await state.read("lock")).toBe(String(process.pid));
});

test("a lock that was left behind by a process which is gone is taken over", async () => {
  await using folder = await temporaryFolder();
  const state = openState(folder.path);
  const gone = Bun.spawn(["true"]);
  await gone.exited;
  await state.write("lock", String(gone.pid));
  await using _ = await lock(state);
  expect(await state.read("lock")).toBe(String(process.pid));
});
