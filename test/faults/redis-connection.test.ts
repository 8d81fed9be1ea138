/** Connections to a real Redis, which fails in every way that a server can. */
import { describe, expect, test } from "bun:test";
import { silentLogger } from "../../services/platform/process/logger.ts";
import {
  MAX_BLOCK_MS,
  openRedis,
  openRedisSubscriber,
  redisScript,
} from "../../services/platform/redis/connections.ts";
import { codeOf } from "../conformance/queue/bench.ts";
import { keptLog } from "../support/process/kept-log.ts";
import { type FaultProxy, openFaultProxy } from "../support/servers/fault-proxy.ts";
import {
  haveRedisServer,
  haveSharedRedis,
  openSharedRedis,
  type RedisServer,
  startRedisServer,
} from "../support/servers/redis-server.ts";
import { eventually } from "../support/time/eventually.ts";

const parts = { log: silentLogger, name: "test", role: "commands" } as const;

/** The server's configuration, through the proxy. */
const through = (server: RedisServer, { port }: FaultProxy) => ({
  ...server.config,
  addresses: [{ host: "127.0.0.1", port }],
});

describe.skipIf(!haveRedisServer())("Redis connection", () => {
  test.concurrent("passes bytes and numbers unchanged, runs scripts, and authenticates", async () => {
    await using server = await startRedisServer({ password: "secret" });
    await using redis = await openRedis(server.config, parts);
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    await redis.call("SET", "bytes", bytes.subarray(3));
    expect(await redis.call("GET", "bytes")).toEqual(Buffer.from(bytes.subarray(3)));
    expect(await redis.call("GET", "nothing")).toBeNull();
    expect(await redis.call("HSET", "numbers", "a", 1, "b", 2)).toBe(2);

    const script = redisScript("echo", "return { KEYS[1], ARGV[1], 7, false }");
    const answer = [Buffer.from("k"), Buffer.from("v"), 7, null];
    expect(await redis.run(script, ["k"], ["v"])).toEqual(answer);
    await server.command("SCRIPT", "FLUSH");
    expect(await redis.run(script, ["k"], ["v"])).toEqual(answer);

    const wrong = await openRedis({ ...server.config, password: "guess" }, parts);
    expect(await codeOf(wrong.call("PING"))).toBe("unavailable");
    await wrong[Symbol.asyncDispose]();
  }, 60_000);

  test.concurrent("distinguishes transient errors, a full memory and wrong commands", async () => {
    await using server = await startRedisServer();
    await using redis = await openRedis(server.config, parts);
    expect(await codeOf(redis.call("INCR"))).toBe("internal");
    expect(await codeOf(redis.run(redisScript("broken", "return nothing.here"), [], []))).toBe("internal");
    const reply = (message: string) => redisScript("reply", `return redis.error_reply("${message}")`);
    for (const passing of ["LOADING x", "MASTERDOWN x", "CLUSTERDOWN x", "NOREPLICAS x", "MISCONF x", "BUSY x"]) {
      expect([passing, await codeOf(redis.run(reply(passing), [], []))]).toEqual([passing, "unavailable"]);
    }
    await server.command("CONFIG", "SET", "maxmemory", "1mb");
    expect(
      await codeOf(redis.call("SET", "large", "x".repeat(2_000_000)).then(() => redis.call("SET", "a", "b"))),
    ).toBe("overloaded");
  });

  test.concurrent("runs a command once when its answer is lost, and reconnects", async () => {
    await using server = await startRedisServer();
    await using proxy = await openFaultProxy({ host: "127.0.0.1", port: server.port });
    const { log, lines } = keptLog();
    await using redis = await openRedis(through(server, proxy), { ...parts, log });
    for (const round of [1, 2, 3]) {
      proxy.cutAfterRequest(1, { carrying: "incr" });
      expect(await codeOf(redis.call("INCR", "count"))).toBe("unavailable");
      await eventually(async () => (await codeOf(redis.call("PING"))) === "resolved", { what: "connected again" });
      expect(await redis.call("GET", "count")).toEqual(Buffer.from(String(round)));
    }
    const cycle = ["unavailable", "available"];
    expect(lines.map(({ message }) => message)).toEqual([...cycle, ...cycle, ...cycle]);
  });

  test.concurrent("rejects commands in flight when the server is killed, and reconnects after its restart", async () => {
    await using server = await startRedisServer();
    await using redis = await openRedis(server.config, parts);
    await server.kill("SIGSTOP");
    const underWay = Array.from({ length: 50 }, () => codeOf(redis.call("INCR", "count")));
    await server.kill();
    expect(new Set(await Promise.all(underWay))).toEqual(new Set(["unavailable"]));
    expect(await codeOf(redis.call("PING"))).toBe("unavailable");
    await server.start();
    await eventually(async () => (await codeOf(redis.call("PING"))) === "resolved", { what: "connected again" });
  });

  test.concurrent("opens without Redis, logs the outage, and connects when the server starts", async () => {
    await using server = await startRedisServer();
    await server.kill();
    const { log, lines } = keptLog();
    await using redis = await openRedis(server.config, { ...parts, log });
    expect(await codeOf(redis.call("PING"))).toBe("unavailable");
    expect(lines.map(({ message }) => message)).toEqual(["unavailable"]);
    await server.start();
    await eventually(async () => (await codeOf(redis.call("PING"))) === "resolved", { what: "connected" });
  }, 60_000);

  test.concurrent("gives up on a silent connection, and opens another", async () => {
    await using server = await startRedisServer();
    await using proxy = await openFaultProxy({ host: "127.0.0.1", port: server.port });
    await using redis = await openRedis(through(server, proxy), parts);
    {
      using _dropping = proxy.dropReplies();
      expect(await codeOf(redis.call("INCR", "count"))).toBe("unavailable");
      await eventually(() => proxy.connections === 0, { what: "cut by the client" });
    }
    await eventually(async () => (await codeOf(redis.call("PING"))) === "resolved", { what: "connected again" });
    expect(await redis.call("GET", "count")).toEqual(Buffer.from("1"));
  }, 60_000);

  test.concurrent("waits on a blocking connection longer than a command may take", async () => {
    await using server = await startRedisServer();
    await using redis = await openRedis(server.config, { ...parts, role: "blocking" });
    expect(await redis.call("BLPOP", "list", "0.05")).toBeNull();
    const popped = redis.call("BLPOP", "list", MAX_BLOCK_MS / 1000);
    await server.command("RPUSH", "list", "x");
    expect(await popped).toEqual([Buffer.from("list"), Buffer.from("x")]);
  });
});

describe.skipIf(!haveRedisServer() || !haveSharedRedis())("Redis subscriber", () => {
  const open = async (config: Parameters<typeof openRedisSubscriber>[0]) => {
    const received: string[] = [];
    let resets = 0;
    const { log, lines } = keptLog();
    const subscriber = await openRedisSubscriber(config, {
      log,
      name: "test",
      onMessage: (channel, payload) => void received.push(`${channel}=${payload}`),
      onReset: () => void resets++,
    });
    const close = () => subscriber[Symbol.asyncDispose]();
    return { subscriber, received, lines, resets: () => resets, [Symbol.asyncDispose]: close };
  };

  test.concurrent("receives what is published from subscribe to unsubscribe", async () => {
    await using server = await openSharedRedis();
    await using redis = await openRedis(server.config, parts);
    await using bench = await open(server.config);
    const [a, b, c] = ["a", "b", "c"].map((name) => `${name}:${crypto.randomUUID()}`) as [string, string, string];
    await bench.subscriber.subscribe([a, b]);
    for (const channel of [a, c, b]) await redis.call("PUBLISH", channel, "x");
    await eventually(() => bench.received.length === 2, { what: "two messages" });
    await bench.subscriber.unsubscribe([a]);
    expect(await redis.call("PUBLISH", a, "y")).toBe(0);
    expect(bench.received).toEqual([`${a}=x`, `${b}=x`]);
    expect(bench.resets()).toBe(0);
  });

  test.concurrent("subscribes again after its connection was cut, and reports the reset", async () => {
    await using server = await startRedisServer();
    await using bench = await open(server.config);
    await bench.subscriber.subscribe(["a", "b"]);
    await server.command("CLIENT", "KILL", "TYPE", "pubsub");
    await eventually(() => bench.resets() === 1, { what: "one reset" });
    expect(await server.command("PUBLISH", "a", "1")).toBe(1);
    await server.kill();
    expect(await codeOf(bench.subscriber.subscribe(["c"]))).toBe("unavailable");
    await server.start();
    await eventually(() => bench.resets() === 2, { what: "two resets" });
    expect(await server.command("PUBLISH", "b", "2")).toBe(1);
    expect(await server.command("PUBLISH", "c", "3")).toBe(0);
    await eventually(() => bench.received.length === 2, { what: "two messages" });
  });

  test.concurrent("detects a silent connection although it sends nothing itself", async () => {
    await using server = await startRedisServer();
    await using proxy = await openFaultProxy({ host: "127.0.0.1", port: server.port });
    await using bench = await open(through(server, proxy));
    await bench.subscriber.subscribe(["a"]);
    {
      using _dropping = proxy.dropReplies();
      await eventually(() => bench.lines.some(({ message }) => message === "unavailable"), { what: "noticed" });
    }
    await eventually(() => bench.resets() === 1, { what: "one reset" });
    expect(await server.command("PUBLISH", "a", "1")).toBe(1);
  }, 60_000);
});
