/** The pipelines under abuse: as services over Redis, and in one process. Both stores hold the same fleet. */
import { join } from "node:path";
import { startAllInOne } from "../../support/programs/all-in-one.ts";
import { addressOf } from "../../support/programs/process.ts";
import { INTERNAL_TOKEN, openServices } from "../../support/programs/services.ts";
import { startRedisServer } from "../../support/servers/redis-server.ts";
import type { Target } from "./bad.ts";

export interface Wiring extends AsyncDisposable {
  readonly target: Omit<Target, "uuids">;
  /** Process id and memory limit of the chart in MiB, by name; no limit for what the chart does not run. */
  readonly processes: Readonly<Record<string, { readonly pid: number; readonly limitMiB: number | null }>>;
}

/** Limits of `infra/helm/gpu-telemetry/values.yaml`. */
const LIMITS = { "api-gateway": 512, inventory: 384, telemetry: 512, "queue-service": 512, collector: 512 } as const;
/** X-Forwarded-For identifies the clients, and no rate limit slows them. */
const OPEN = { TRUSTED_PROXIES: "1", RATE_LIMIT: "0" };

export async function openServicesUnderAbuse(store: string): Promise<Wiring> {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startRedisServer());
  const services = opened.use(
    await openServices({
      runtime: "bun",
      redis: redis.address,
      store: { SQLITE_PATH: store },
      streamer: { STREAM_INTERVAL: "200ms" },
      gateway: OPEN,
    }),
  );
  const names = ["queue-service", "inventory", "telemetry", "collector", "streamer", "api-gateway"] as const;
  await services.start(...names);
  await services.ready();
  const internal = (["inventory", "telemetry"] as const).map((name) => services.urlOf(name));
  const all = opened.move();
  return {
    target: { url: services.url, internal, queue: services.urlOf("queue-service"), internalToken: INTERNAL_TOKEN },
    processes: Object.fromEntries(
      Object.entries(LIMITS).map(([name, limitMiB]) => {
        return [name, { pid: services.members[name as keyof typeof LIMITS].program.pid, limitMiB }];
      }),
    ),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

export async function openEmbeddedUnderAbuse(store: string): Promise<Wiring> {
  const program = startAllInOne({ SQLITE_PATH: join(store), STREAM_INTERVAL: "200ms", ...OPEN });
  const url = await addressOf(program);
  return {
    target: { url, internal: [], queue: null, internalToken: "" },
    processes: { "all-in-one": { pid: program.pid, limitMiB: null } },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
