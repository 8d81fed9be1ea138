/** Positions as earlier releases have stored them, for a CSV file of 6 GPUs, 10 ticks and 2 metrics. */
import { expect, test } from "bun:test";
import { realpath } from "node:fs/promises";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import { encodePosition, parsePosition } from "../../../services/streamer/send/position.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { writeCsv } from "../../support/sources/csv-file.ts";
import { fleetRows, readingsOf } from "../../support/sources/memory-files.ts";
import { batchesIn, filesAt, openTestQueue, storedOf, stream } from "../../support/streamer/streamed.ts";
import { InstantClock } from "../../support/time/instant-clock.ts";

const rows = fleetRows({ gpus: 6, ticks: 10, metrics: 2 });
const fingerprint = '"head":"8b9b80759f1fd437f8d49ae5204ef186","length":22877';

const stored = [
  {
    what: "at a pace, inside a tick",
    manner: { intervalMs: 100, batchSize: 4 },
    batches: 7,
    sent: 28,
    text: `{"v":1,${fingerprint},"offset":2547,"line":15,"skip":11,"size":12,"sent":4,"pass":0,"stampedAt":0}`,
  },
  {
    what: "at full speed, inside a read-ahead",
    manner: { intervalMs: 0, batchSize: 50 },
    batches: 1,
    sent: 50,
    text: `{"v":1,${fingerprint},"offset":101,"line":2,"skip":0,"size":120,"sent":50,"pass":0,"stampedAt":0}`,
  },
  {
    what: "at the end",
    manner: {},
    batches: 1,
    sent: 120,
    text: `{"v":1,${fingerprint},"offset":22877,"line":122,"skip":0,"size":0,"sent":0,"pass":0,"stampedAt":0}`,
  },
] as const;

test.each(stored)("runStreamer() continues from a stored position $what", async ({ manner, batches, sent, text }) => {
  await using folder = await temporaryFolder();
  const config = { ...manner, sources: filesAt(await writeCsv(folder.path, rows)) };
  const queue = openMemoryQueue({
    clock: new InstantClock(),
    maxBytes: 1e8,
    maxDeliveries: 5,
    restore: async () => ({ epoch: 1, seq: batches, position: text }),
  });
  const { log, lines } = keptLog();
  const summary = await stream(config, { queue, log });
  expect(lines.map(({ message }) => message)).not.toContain("content has changed, starting over");
  expect(summary).toMatchObject({ readings: rows.length - sent, sources: [{ resumed: true }] });

  const whole = openTestQueue();
  await stream(config, { queue: whole, stopAfter: batches });
  const all = [...(await batchesIn(whole)), ...(await batchesIn(queue))];
  expect(storedOf(all)).toEqual(readingsOf(rows));
});

test.each(stored)("runStreamer() stores the same text for a position $what", async ({ manner, batches, text }) => {
  await using folder = await temporaryFolder();
  const path = await writeCsv(folder.path, rows);
  const queue = openTestQueue();
  await stream({ ...manner, sources: filesAt(path) }, { queue, stopAfter: batches });
  expect((await queue.openProducer(`${await realpath(path)}@0/1`)).position).toBe(text);
});

test.each(stored)("encodePosition() restores the text of a position $what", ({ text }) => {
  const position = parsePosition(text);
  expect(position).not.toBeNull();
  expect(encodePosition(position as NonNullable<typeof position>)).toBe(text);
});

test.each([
  "",
  "7",
  "null",
  "{}",
  '{"v":2,"head":"0"}',
  stored[0].text.replace('"line":15', '"line":-1'),
  stored[0].text.replace('"skip":11,', ""),
])("parsePosition() returns null for %p", (text) => {
  expect(parsePosition(text)).toBeNull();
});

test("parsePosition() returns a place in the hour that comes twice as encodePosition() has written it", () => {
  const place = { offset: 2547, line: 15, repeated: 1_792_890_000_000 };
  const position = { head: "8b9b", length: 9, place, skip: 1, size: 2, sent: 1, pass: 3, stampedAt: 4 };
  expect(parsePosition(encodePosition(position))).toEqual(position);
});
