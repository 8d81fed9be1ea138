import { expect, test } from "bun:test";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import { MAX_POSITION_LENGTH, MAX_PRODUCER_LENGTH } from "../../../services/queue/port.ts";
import { batchOf } from "../../conformance/queue/bench.ts";
import { openQueueServer } from "../../support/queue/queue-server.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

test("queue-service accepts the longest names and positions, each character escaped", async () => {
  await using behind = openMemoryQueue({ clock: new ManualClock(), maxBytes: 1024, maxDeliveries: 5 });
  await using server = await openQueueServer(behind);
  const producer = "\0".repeat(MAX_PRODUCER_LENGTH);
  const { epoch } = await behind.openProducer(producer);
  const batch = { ...batchOf(1, "a"), position: "\0".repeat(MAX_POSITION_LENGTH) };
  expect(await server.client.publish([batch], { producer, epoch })).toEqual({ kind: "accepted" });
});
