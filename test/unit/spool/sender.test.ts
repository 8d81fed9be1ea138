import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { Availability } from "../../../services/platform/process/availability.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { PublishOutcome, Queue } from "../../../services/queue/port.ts";
import { producerOf, type SenderOptions, sendFromSpool } from "../../../services/spool/send/sender.ts";
import { Spool } from "../../../services/spool/spool.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { eventually } from "../../support/time/eventually.ts";

const memoryQueue = () => openMemoryQueue({ clock: systemClock, maxBytes: 1024 * 1024, maxDeliveries: 5 });
const open = (folder: string) => Spool.open({ folder, maxBytes: 1024 * 1024, segmentBytes: 1 });
const append = (spool: Spool, text: string) => spool.append(new TextEncoder().encode(text), 1);

function startSender(spool: Spool, queue: SenderOptions["queue"]) {
  const controller = new AbortController();
  const accepted: number[] = [];
  const gaps: number[] = [];
  const log = silentLogger;
  const options: SenderOptions = {
    spool,
    producer: producerOf(spool, "scrape"),
    queue,
    availability: new Availability("queue", { clock: systemClock, log, backoff: { baseMs: 1, capMs: 2 } }),
    clock: systemClock,
    onAccepted: async (number) => {
      accepted.push(number);
      await spool.confirm(number);
    },
    onGap: (number) => gaps.push(number),
  };
  const ended = sendFromSpool(options, controller.signal);
  return {
    accepted,
    gaps,
    ended,
    hasSent: (number: number) => eventually(() => accepted.at(-1) === number, { what: `record ${number} is accepted` }),
    async stop() {
      controller.abort();
      await ended;
    },
  };
}

async function textsIn(queue: Queue): Promise<string[]> {
  const deliveries = await queue.claim({ max: 1000, maxBytes: 1e9, leaseMs: 10_000, waitMs: 0 });
  return deliveries.map(({ seq, position, body }) => `${seq} ${position} ${Buffer.from(body)}`);
}

test("sendFromSpool() sends each record once and in order, over restarts of the scraper", async () => {
  await using folder = await temporaryFolder();
  await using queue = memoryQueue();
  {
    await using spool = await open(folder.path);
    await append(spool, "a");
    const sender = startSender(spool, queue);
    await sender.hasSent(1);
    await append(spool, "b");
    await append(spool, "c");
    await sender.hasSent(3);
    await sender.stop();
    await append(spool, "d");
  }
  await using spool = await open(folder.path);
  const sender = startSender(spool, queue);
  await sender.hasSent(4);
  await sender.stop();
  expect(await textsIn(queue)).toEqual(["1 1 a", "2 2 b", "3 3 c", "4 4 d"]);
  expect(spool.bytes).toBeLessThan(20);
});

/** A queue whose publishes have the given outcomes, one by one, and are then accepted; it notes what it is given. */
function scripted(outcomes: (PublishOutcome | AppError)[], opened = { seq: 0, position: null as string | null }) {
  const calls: string[][] = [];
  return {
    calls,
    openProducer: async () => ({ epoch: 1, inherited: [], ...opened }),
    publish: async (batches: readonly { seq: number; position: string }[]): Promise<PublishOutcome> => {
      calls.push(batches.map(({ seq, position }) => `${seq}:${position}`));
      const outcome = outcomes.shift() ?? { kind: "accepted" };
      if (outcome instanceof AppError) throw outcome;
      return outcome;
    },
  };
}

test("sendFromSpool() repeats a call while the queue is away or full", async () => {
  await using folder = await temporaryFolder();
  await using spool = await open(folder.path);
  await append(spool, "a");
  const away = new AppError("away", { code: "unavailable" });
  const queue = scripted([away, { kind: "full", retryAfterMs: 1 }, { kind: "duplicate" }]);
  const sender = startSender(spool, queue);
  await sender.hasSent(1);
  await sender.stop();
  expect(queue.calls).toEqual([["1:1"], ["1:1"], ["1:1"]]);
});

test("sendFromSpool() goes back to the record that the queue lacks", async () => {
  await using folder = await temporaryFolder();
  await using spool = await Spool.open({ folder: folder.path, maxBytes: 1e6 });
  for (const text of ["a", "b", "c"]) await append(spool, text);
  const queue = scripted([{ kind: "accepted" }, { kind: "gap", last: 8 }], { seq: 7, position: null });
  const sender = startSender(spool, queue);
  await sender.hasSent(3);
  await append(spool, "d");
  await sender.hasSent(4);
  await sender.stop();
  expect(queue.calls).toEqual([["8:1", "9:2", "10:3"], ["11:4"], ["9:2", "10:3", "11:4"]]);
  expect(sender.gaps).toEqual([2]);
});

test("sendFromSpool() passes over nothing if the spool has lost what the queue has", async () => {
  await using folder = await temporaryFolder();
  await using spool = await open(folder.path);
  const sender = startSender(spool, scripted([], { seq: 50, position: "50" }));
  await append(spool, "a");
  await sender.hasSent(1);
  await sender.stop();
});

test("sendFromSpool() ends if another process sends from the spool", async () => {
  await using folder = await temporaryFolder();
  await using spool = await open(folder.path);
  await append(spool, "a");
  const sender = startSender(spool, scripted([{ kind: "fenced" }]));
  await expect(sender.ended).rejects.toThrow(
    `Producer ${producerOf(spool, "scrape")} has been opened by another process`,
  );
});
