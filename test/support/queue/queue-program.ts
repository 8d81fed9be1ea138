/** queue-service's API in front of a memory queue, as a program. Its argument is the token, or nothing. */
import { systemClock } from "../../../services/platform/process/clock.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import { openQueueServer } from "./queue-server.ts";

const queue = openMemoryQueue({ clock: systemClock, maxBytes: 1024 * 1024, maxDeliveries: 5 });
const { url } = await openQueueServer(queue, { token: process.argv[2] ?? null });
console.log(JSON.stringify({ message: "listening", url }));
