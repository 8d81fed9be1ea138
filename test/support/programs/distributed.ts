/**
 * The pipeline as separate processes over a running Redis and store. Each link passes through a proxy that can break
 * it, and each process keeps its port after a restart.
 */
import { type FaultProxy, openFaultProxy, type Target } from "../servers/fault-proxy.ts";
import { freePort } from "../servers/free-port.ts";
import { Member } from "./member.ts";
import { onRuntime } from "./process.ts";

type Env = Readonly<Record<string, string>>;

/** Paths of the programs from the root. Tests can replace them by defective ones. */
export const PROGRAMS = {
  streamer: "services/streamer/main.ts",
  queueService: "services/queue-service/main.ts",
  collector: "services/collector/main.ts",
} as const;
export type Role = keyof typeof PROGRAMS;

export interface DistributedOptions {
  readonly runtime?: "bun" | "deno";
  readonly redis: Target;
  readonly store: Target;
  /** Environment of a collector whose store is at this address. */
  readonly storeEnv: (address: string) => Env;
  readonly counts: Readonly<Record<Role, number>>;
  readonly programs?: Partial<Readonly<Record<Role, string>>>;
  /** Environment of all processes of a role, besides addresses. */
  readonly env: Readonly<Record<Role, Env>>;
}

export interface Distributed extends AsyncDisposable {
  readonly streamers: readonly Member[];
  readonly queueServices: readonly Member[];
  readonly collectors: readonly Member[];
  readonly links: {
    /** Between streamers or collectors and the queue-services, which it balances in turn. */
    readonly queue: FaultProxy;
    readonly redis: FaultProxy;
    readonly store: FaultProxy;
  };
}

/** Prepares the processes. The caller starts them. */
export async function openDistributed(options: DistributedOptions): Promise<Distributed> {
  const { runtime = "bun", counts, env, programs = {}, storeEnv } = options;
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await openFaultProxy(options.redis));
  const store = opened.use(await openFaultProxy(options.store));
  const ports = await Promise.all(Array.from({ length: counts.queueService }, freePort));
  const queue = opened.use(await openFaultProxy(...ports.map((port) => ({ host: "127.0.0.1", port }))));
  const member = (role: Role, name: string, given: Env): Member => {
    const command = onRuntime(runtime, programs[role] ?? PROGRAMS[role]);
    const common = { HOST: "127.0.0.1", LOG_FORMAT: "json" };
    return opened.use(new Member({ name, command, env: { ...common, ...env[role], ...given } }));
  };
  const QUEUE_SERVICE_URL = `http://${queue.address}`;
  const REDIS_ADDR = redis.address;
  const queueServices = ports.map((port, number) =>
    member("queueService", `queue-service ${number}`, { REDIS_ADDR, PORT: String(port) }),
  );
  const members = async (role: Role, name: string, given: (number: number) => Env): Promise<Member[]> => {
    const made: Member[] = [];
    for (let number = 0; number < counts[role]; number++) {
      const PORT = String(await freePort());
      made.push(member(role, `${name} ${number}`, { QUEUE_SERVICE_URL, PORT, ...given(number) }));
    }
    return made;
  };
  const streamers = await members("streamer", "streamer", (shard) => ({
    STREAMER_SHARD: String(shard),
    STREAMER_SHARDS: String(counts.streamer),
  }));
  const collectors = await members("collector", "collector", () => ({ REDIS_ADDR, ...storeEnv(store.address) }));
  const all = opened.move();
  return {
    streamers,
    queueServices,
    collectors,
    links: { queue, redis, store },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
