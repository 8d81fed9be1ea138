/** How benches run Redis, and the figures it reports about itself. */
import type { RedisServer } from "../../support/servers/redis-server.ts";

/** Syncs the append-only file once a second, the default of Redis. */
export const EVERY_SECOND = ["--appendfsync", "everysec"];

async function infoOf(redis: RedisServer, section: string): Promise<Map<string, string>> {
  const text = String(await redis.command("INFO", section));
  return new Map(text.split("\r\n").map((line) => line.split(":") as [string, string]));
}

/** Returns user and system time of the main thread so far, seconds. */
export async function redisCpuSeconds(redis: RedisServer): Promise<number> {
  const info = await infoOf(redis, "cpu");
  return Number(info.get("used_cpu_user_main_thread")) + Number(info.get("used_cpu_sys_main_thread"));
}

/** Returns the memory of data and buffers, bytes. */
export async function redisMemoryBytes(redis: RedisServer): Promise<number> {
  return Number((await infoOf(redis, "memory")).get("used_memory"));
}
