/** The processes of one round: Redis, queue-service and collector listen, and the caller starts the streamer. */
import { systemClock } from "../../../services/platform/process/clock.ts";
import { openHttpQueue } from "../../../services/queue/http/queue.ts";
import type { Queue } from "../../../services/queue/port.ts";
import { Member } from "../../support/programs/member.ts";
import { BUN } from "../../support/programs/process.ts";
import { drained } from "../../support/queue/drained.ts";
import { freePort } from "../../support/servers/free-port.ts";
import { type RedisServer, startRedisServer } from "../../support/servers/redis-server.ts";
import { EVERY_SECOND } from "../queue/redis-figures.ts";

type Env = Readonly<Record<string, string>>;
const DRAIN_LIMIT_MS = 600_000;

export interface Services extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly queueService: Member;
  readonly collector: Member;
  readonly streamer: Member;
  readonly queue: Queue;
  /** Resolves once no batch is ready, leased or delayed. */
  drained(): Promise<unknown>;
}

export async function startServices(store: Env, streaming: Env): Promise<Services> {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startRedisServer({ args: EVERY_SECOND }));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const common = { LOG_FORMAT: "json", REDIS_ADDR: redis.address, QUEUE_SERVICE_URL: url };
  const member = async (name: string, env: Env): Promise<Member> => {
    const options = { PORT: String(await freePort()), ...common, ...env };
    return opened.use(new Member({ name, command: [BUN, `services/${name}/main.ts`], env: options }));
  };
  const queueService = await member("queue-service", { PORT: String(port) });
  const collector = await member("collector", store);
  const streamer = await member("streamer", streaming);
  for (const service of [queueService, collector]) service.start();
  for (const service of [queueService, collector]) await service.listening();
  const queue = opened.use(openHttpQueue({ url, token: null, clock: systemClock }));
  const all = opened.move();
  return {
    redis,
    queueService,
    collector,
    streamer,
    queue,
    drained: () => drained(queue, { deadlineMs: DRAIN_LIMIT_MS }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
