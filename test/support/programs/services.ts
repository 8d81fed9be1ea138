/** Runs the six services as processes on this machine, connected by addresses as in the README. */
import { freePort } from "../servers/free-port.ts";
import { eventually } from "../time/eventually.ts";
import { Member } from "./member.ts";
import { onRuntime } from "./process.ts";

type Env = Readonly<Record<string, string>>;

/** Shared by all six services. */
export const INTERNAL_TOKEN = "known-to-all-six";

const NAMES = ["queue-service", "inventory", "telemetry", "streamer", "collector", "api-gateway"] as const;
export type ServiceName = (typeof NAMES)[number];

export interface ServicesOptions {
  readonly runtime: "bun" | "deno";
  /** host:port */
  readonly redis: string;
  /** Variables of the store: SQLITE_PATH, or MONGODB_URI and MONGODB_DATABASE. */
  readonly store: Env;
  /** Variables of the streamer: CSV_PATH and others. */
  readonly streamer: Env;
  /** Further variables of the gateway. */
  readonly gateway?: Env;
}

export interface Services extends AsyncDisposable {
  /** URL of the API. */
  readonly url: string;
  readonly urlOf: (name: ServiceName) => string;
  readonly members: Readonly<Record<ServiceName, Member>>;
  /** Starts services; resolves once they listen. */
  start(...names: readonly ServiceName[]): Promise<void>;
  /** Resolves once the API reports that all its dependencies are available. */
  ready(): Promise<void>;
}

/** Prepares the processes. The caller starts them. */
export async function openServices({
  runtime,
  redis,
  store,
  streamer,
  gateway = {},
}: ServicesOptions): Promise<Services> {
  await using opened = new AsyncDisposableStack();
  const ports = new Map<ServiceName, number>();
  for (const name of NAMES) ports.set(name, await freePort());
  const urlOf = (name: ServiceName): string => `http://127.0.0.1:${ports.get(name)}`;
  const common: Env = { LOG_FORMAT: "json", INTERNAL_TOKEN, REDIS_ADDR: redis };
  const queue: Env = { QUEUE_SERVICE_URL: urlOf("queue-service") };
  const given: Readonly<Record<ServiceName, Env>> = {
    "queue-service": {},
    inventory: store,
    telemetry: store,
    streamer: { ...queue, ...streamer },
    collector: { ...queue, ...store },
    "api-gateway": {
      // Tests send queries without a pause.
      RATE_LIMIT: "0",
      INVENTORY_URL: `${urlOf("inventory")}/graphql`,
      TELEMETRY_URL: `${urlOf("telemetry")}/graphql`,
      PIPELINE_URL: `${urlOf("queue-service")}/graphql`,
      ...gateway,
    },
  };
  const members = Object.fromEntries(
    NAMES.map((name) => {
      const command = onRuntime(runtime, `services/${name}/main.ts`);
      const env = { ...common, PORT: String(ports.get(name)), ...given[name] };
      return [name, opened.use(new Member({ name, command, env }))];
    }),
  ) as Record<ServiceName, Member>;
  const all = opened.move();
  return {
    url: urlOf("api-gateway"),
    urlOf,
    members,
    async start(...names) {
      for (const name of names) members[name].start();
      await Promise.all(names.map((name) => members[name].listening()));
    },
    ready: async () => {
      const isReady = async () => (await fetch(`${urlOf("api-gateway")}/health`)).ok;
      await eventually(isReady, { what: "the API to be ready" });
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
