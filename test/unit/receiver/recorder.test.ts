import { expect, test } from "bun:test";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { createSpoolRecorder } from "../../../services/receiver/record/recorder.ts";
import { Spool } from "../../../services/spool/spool.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";

const batch = (size: number) => ({ body: new Uint8Array(size), readings: 1 });

test("record() resolves once all batches are in the spool", async () => {
  await using folder = await temporaryFolder();
  await using spool = await Spool.open({ folder: folder.path, maxBytes: 1e6 });
  const recorder = createSpoolRecorder(spool, { clock: systemClock, log: keptLog().log });
  await recorder.record([batch(10), batch(20)]);
  expect((await spool.read(1, 1e6)).map(({ body }) => body.length)).toEqual([10, 20]);
});

test("record() refuses batches for which the spool has no room, and logs that once", async () => {
  await using folder = await temporaryFolder();
  await using spool = await Spool.open({ folder: folder.path, maxBytes: 100 });
  const { log, lines } = keptLog();
  const recorder = createSpoolRecorder(spool, { clock: systemClock, log });
  for (let time = 0; time < 2; time++) {
    await expect(recorder.record([batch(10), batch(200)])).rejects.toMatchObject({
      code: "unavailable",
      retryAfterMs: 5000,
    });
  }
  expect(lines.map(({ message }) => message)).toEqual(["unavailable"]);
  await recorder.record([batch(10)]);
  expect(lines.map(({ message }) => message)).toEqual(["unavailable", "available"]);
});

test("record() refuses batches that the disk does not take", async () => {
  const { log, lines } = keptLog();
  const append = () => Promise.reject(new Error("ENOSPC"));
  const recorder = createSpoolRecorder({ append }, { clock: systemClock, log });
  await expect(recorder.record([batch(10)])).rejects.toMatchObject({ code: "unavailable" });
  expect(lines[0]?.fields).toEqual({ dependency: "receive spool", reason: "ENOSPC" });
});
