/** The API as a program. Its argument is `ServedOptions` as JSON. SIGTERM ends its subscriptions. */
import { fastClock } from "../time/fast-clock.ts";
import { openApi } from "./api.ts";
import { START, UTIL, uuidOf } from "./fleet.ts";
import type { ServedOptions } from "./served-api.ts";

const { tell, speed = 1, ...options } = JSON.parse(process.argv[2] ?? "{}") as ServedOptions;
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
const api = await openApi({ ...options, clock: fastClock(speed), signal: stop.signal });
if (tell !== undefined) {
  const reading = { gpu: uuidOf(1), host: "host-000", series: UTIL, at: START, value: 1 };
  const frame = Array.from({ length: tell.readings }, () => reading);
  setInterval(() => api.feed.tell(...frame), tell.everyMs);
}
console.log(JSON.stringify({ message: "listening", url: api.url }));
