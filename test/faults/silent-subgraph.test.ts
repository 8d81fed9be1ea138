import { expect, test } from "bun:test";
import { openRemoteApi } from "../support/api/api.ts";
import { openEvents } from "../support/api/sse.ts";
import { keptLog } from "../support/process/kept-log.ts";
import { eventually } from "../support/time/eventually.ts";

const QUERY = "subscription { readings { readings { value } missed } }";

test("a subscription reconnects after its connection has fallen silent, and continues", async () => {
  const { log, lines } = keptLog();
  const reasons = () => lines.filter(({ message }) => message === "unavailable").map(({ fields }) => fields.reason);
  await using api = await openRemoteApi({ log });
  await using events = await openEvents(api.url, QUERY);
  expect((await events.next()).data.readings).toMatchObject({ missed: 0 });
  {
    // New connections are accepted too, but get no answer.
    using _stalled = api.links.telemetry.stall();
    await eventually(() => reasons().length > 0, { what: "the end of the silent connection" });
    expect(reasons()).toEqual(["closed with 4499 Terminated"]);
  }
  const { missed, readings } = (await events.next()).data.readings;
  expect([missed, readings.length]).toEqual([1, 6]);
  await events[Symbol.asyncDispose]();
  await eventually(() => api.feed.subscribers.size === 0, { what: "no subscriber" });
}, 120_000);
