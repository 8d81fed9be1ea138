/** Publishes the load to running services. `publisher-program.ts SQLITE_PATH REDIS_PORT GPUS SECONDS` */
import { openLiveFeed } from "../../../services/live-feed/open.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { readRedisConfig } from "../../../services/platform/redis/config.ts";
import { openRepository } from "../../../services/repository/open.ts";
import { publish } from "./load.ts";

const [path = "", port, gpus, seconds] = process.argv.slice(2);
const parts = { clock: systemClock, log: silentLogger };
await using repository = await openRepository({ kind: "sqlite", path, retentionMs: 0 }, parts);
const redis = readRedisConfig({ REDIS_ADDR: `127.0.0.1:${port}` });
await using feed = await openLiveFeed({ kind: "redis", redis, ...parts });
const storedAt = await publish({ repository, feed }, { gpus: Number(gpus), seconds: Number(seconds) });
console.log(JSON.stringify({ message: "published", storedAt }));
