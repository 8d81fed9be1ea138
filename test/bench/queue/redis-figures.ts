/** How Redis is run for a bench, and what it says of its own work. */
import type { RedisServer } from "../../support/servers/redis-server.ts";

/** Syncs its log to the disk each second: its own default. */
export const EVERY_SECOND = ["--appendfsync", "everysec"];

async function infoOf(redis: RedisServer, section: string): Promise<Map<string, string>> {
  const text = String(await redis.command("INFO", section));
  return new Map(text.split("\r\n").map((line) => line.split(":") as [string, string]));
}

/** User and system time of its main thread so far, seconds. */
export async function redisCpuSeconds(redis: RedisServer): Promise<number> {
  const info = await infoOf(redis, "cpu");
  return Number(info.get("used_cpu_user_main_thread")) + Number(info.get("used_cpu_sys_main_thread"));
}

/** Bytes that its data and buffers take. */
export async function redisMemoryBytes(redis: RedisServer): Promise<number> {
  return Number((await infoOf(redis, "memory")).get("used_memory"));
}
