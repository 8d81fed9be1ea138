/** A Redis Cluster of private servers: three masters with a third of the slots each, and optional replicas. */
import type { RedisConfig } from "../../../services/platform/redis/config.ts";
import { eventually } from "../time/eventually.ts";
import { freePort } from "./free-port.ts";
import { followsItsMaster, type RedisServer, startRedisServer } from "./redis-server.ts";

const SLOTS = 16_384;
const MASTERS = 3;

export interface RedisCluster extends AsyncDisposable {
  /** The masters, then their replicas in the same order. */
  readonly nodes: readonly RedisServer[];
  readonly config: RedisConfig;
}

/** Starts an empty cluster; resolves once every node answers and knows the others. */
export async function startRedisCluster({ replicas = false } = {}): Promise<RedisCluster> {
  await using started = new AsyncDisposableStack();
  const nodes: RedisServer[] = [];
  const busPorts: number[] = [];
  while (nodes.length < (replicas ? 2 : 1) * MASTERS) {
    const busPort = await freePort();
    const cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", String(busPort)];
    nodes.push(started.use(await startRedisServer({ args: [...cluster, "--cluster-replica-validity-factor", "0"] })));
    busPorts.push(busPort);
  }
  const [first, ...others] = nodes as [RedisServer, ...RedisServer[]];
  const masters = nodes.slice(0, MASTERS);
  for (const [index, node] of masters.entries()) {
    const from = Math.ceil((index * SLOTS) / MASTERS);
    const to = Math.ceil(((index + 1) * SLOTS) / MASTERS) - 1;
    await node.command("CLUSTER", "ADDSLOTSRANGE", from, to);
  }
  for (const [index, { port }] of others.entries()) {
    await first.command("CLUSTER", "MEET", "127.0.0.1", port, busPorts[index + 1] as number);
  }
  for (const node of nodes) {
    await eventually(
      async () => {
        const info = String(await node.command("CLUSTER", "INFO"));
        return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${nodes.length}`);
      },
      { what: `node ${node.address} sees the whole cluster` },
    );
  }
  for (const [index, replica] of nodes.slice(MASTERS).entries()) {
    const master = await (masters[index] as RedisServer).command("CLUSTER", "MYID");
    await replica.command("CLUSTER", "REPLICATE", String(master));
    await followsItsMaster(replica);
  }
  const servers = started.move();
  return {
    nodes,
    config: { ...first.config, mode: "cluster", addresses: nodes.map(({ port }) => ({ host: "127.0.0.1", port })) },
    [Symbol.asyncDispose]: () => servers.disposeAsync(),
  };
}
