/** The pipelines under abuse: as services over Redis, and in one process. Both stores hold the same fleet. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { startAllInOne } from "../../support/programs/all-in-one.ts";
import { addressOf, ROOT } from "../../support/programs/process.ts";
import { INTERNAL_TOKEN, openServices } from "../../support/programs/services.ts";
import { startRedisServer } from "../../support/servers/redis-server.ts";
import type { Target } from "./bad-client.ts";

export interface Wiring extends AsyncDisposable {
  readonly target: Omit<Target, "uuids">;
  readonly processes: Readonly<Record<string, MeasuredProcess>>;
}

export interface MeasuredProcess {
  readonly pid: number;
  readonly url: string;
  readonly limitMiB: number;
}

/** all-in-one is not in the chart: twice the limit of a service that is a part of it. */
const EMBEDDED_MIB = 1024;
const SERVICES = {
  "api-gateway": "apiGateway",
  inventory: "inventory",
  telemetry: "telemetry",
  "queue-service": "queueService",
  collector: "collector",
  streamer: "streamer",
} as const;
type Service = keyof typeof SERVICES;

/** Returns the memory limit of a service in the chart, MiB. */
async function readLimits(): Promise<(service: Service) => number> {
  const values = parse(await readFile(join(ROOT, "infra/helm/gpu-telemetry/values.yaml"), "utf8"));
  return (service) => {
    const limit = values[SERVICES[service]].resources.limits.memory as string;
    const mebibytes = /^(\d+)Mi$/.exec(limit)?.[1];
    if (mebibytes === undefined) throw new Error(`The memory limit of ${service} must be in Mi, got ${limit}`);
    return Number(mebibytes);
  };
}

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
  const limitOf = await readLimits();
  const names = Object.keys(SERVICES) as Service[];
  await services.start(...names);
  await services.ready();
  const internal = (["inventory", "telemetry"] as const).map((name) => services.urlOf(name));
  const all = opened.move();
  return {
    target: { url: services.url, internal, queue: services.urlOf("queue-service"), internalToken: INTERNAL_TOKEN },
    processes: Object.fromEntries(
      names.map((name) => {
        const { pid } = services.members[name].program;
        return [name, { pid, url: services.urlOf(name), limitMiB: limitOf(name) }];
      }),
    ),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

export async function openEmbeddedUnderAbuse(store: string): Promise<Wiring> {
  const program = startAllInOne({ SQLITE_PATH: store, STREAM_INTERVAL: "200ms", ...OPEN });
  const url = await addressOf(program);
  return {
    target: { url, internal: [], queue: null, internalToken: "" },
    processes: { "all-in-one": { pid: program.pid, url, limitMiB: EMBEDDED_MIB } },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
