/** A Redis master, its replica, and three sentinels that promote the replica soon after the master fails. */
import type { RedisConfig } from "../../../services/platform/redis/config.ts";
import { eventually } from "../time/eventually.ts";
import { followsItsMaster, type RedisServer, startRedisServer } from "./redis-server.ts";

export interface RedisSentinels extends AsyncDisposable {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly config: RedisConfig;
}

/** Starts the servers; resolves once the sentinels know each other and the replica. */
export async function startRedisSentinels({ password }: { password?: string } = {}): Promise<RedisSentinels> {
  await using started = new AsyncDisposableStack();
  const master = started.use(await startRedisServer({ password }));
  const following = ["--replicaof", "127.0.0.1", String(master.port)];
  const replica = started.use(await startRedisServer({ password, args: following }));
  await followsItsMaster(replica);
  const lines = [
    `sentinel monitor main 127.0.0.1 ${master.port} 2`,
    "sentinel down-after-milliseconds main 500",
    "sentinel failover-timeout main 2000",
    ...(password === undefined ? [] : [`sentinel auth-pass main ${password}`]),
  ];
  const sentinels: RedisServer[] = [];
  while (sentinels.length < 3) {
    sentinels.push(started.use(await startRedisServer({ password, sentinel: lines.join("\n") })));
  }
  const knowsAll = async (sentinel: RedisServer): Promise<boolean> => {
    const known = String(await sentinel.command("SENTINEL", "MASTER", "main")).split(",");
    const value = (name: string) => Number(known[known.indexOf(name) + 1]);
    return value("num-other-sentinels") === 2 && value("num-slaves") === 1;
  };
  await eventually(async () => (await Promise.all(sentinels.map(knowsAll))).every(Boolean), {
    what: "the sentinels know each other and the replica",
  });
  const addresses = sentinels.map(({ port }) => ({ host: "127.0.0.1", port }));
  const servers = started.move();
  return {
    master,
    replica,
    config: { ...master.config, mode: "sentinel", addresses, sentinelName: "main" },
    [Symbol.asyncDispose]: () => servers.disposeAsync(),
  };
}
