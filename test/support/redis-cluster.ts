/** A Redis Cluster of private servers, each a master of a third of the slots. */
import type { RedisConfig } from "../../services/platform/redis-config.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";

const SLOTS = 16_384;
const NODES = 3;

export interface RedisCluster extends AsyncDisposable {
  readonly nodes: readonly RedisServer[];
  readonly config: RedisConfig;
}

/** Empty and answering when it resolves. */
export async function startRedisCluster(): Promise<RedisCluster> {
  await using started = new AsyncDisposableStack();
  const nodes: RedisServer[] = [];
  const busPorts: number[] = [];
  while (nodes.length < NODES) {
    const busPort = await freePort();
    const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", String(busPort)];
    nodes.push(started.use(await startRedisServer({ args })));
    busPorts.push(busPort);
  }
  const [first, ...others] = nodes as [RedisServer, ...RedisServer[]];
  for (const [index, node] of nodes.entries()) {
    const from = Math.ceil((index * SLOTS) / NODES);
    const to = Math.ceil(((index + 1) * SLOTS) / NODES) - 1;
    await node.command("CLUSTER", "ADDSLOTSRANGE", from, to);
  }
  for (const [index, { port }] of others.entries()) {
    await first.command("CLUSTER", "MEET", "127.0.0.1", port, busPorts[index + 1] as number);
  }
  for (const node of nodes) {
    await eventually(
      async () => {
        const info = String(await node.command("CLUSTER", "INFO"));
        return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${NODES}`);
      },
      { what: `node ${node.address} sees the whole cluster`, deadlineMs: 20_000 },
    );
  }
  const servers = started.move();
  return {
    nodes,
    config: { ...first.config, mode: "cluster", addresses: nodes.map(({ port }) => ({ host: "127.0.0.1", port })) },
    [Symbol.asyncDispose]: () => servers.disposeAsync(),
  };
}
