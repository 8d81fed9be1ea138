/** The faults that chaos can inject into a distributed pipeline, its Redis and its store. */

import type { Distributed } from "../programs/distributed.ts";
import type { Member } from "../programs/member.ts";
import type { FaultProxy } from "../servers/fault-proxy.ts";
import type { PrivateMongoServer } from "../servers/mongo-server.ts";
import type { RedisServer } from "../servers/redis-server.ts";
import { between, type Fault, pause } from "./chaos.ts";

type Span = readonly [least: number, most: number];

/** Pause between a kill and the restart, ms. */
const AWAY_MS: Span = [0, 400];
const BREAK_MS: Span = [200, 1500];

export interface ChaosTargets {
  readonly pipeline: Distributed;
  readonly redis: RedisServer;
  readonly store: PrivateMongoServer;
  readonly leaseMs: number;
}

function memberFaults(member: Member, leaseMs: number): Fault[] {
  const victim = member.name;
  const possible = () => member.alive;
  return [
    {
      ...{ kind: "kill -9", victim, weight: 2, possible },
      strike: (random) => member.restart(() => pause(between(random, AWAY_MS))),
    },
    {
      ...{ kind: "freeze past the lease", victim, weight: 1, possible },
      strike: async (random) => {
        using _frozen = member.freeze();
        await pause(between(random, [leaseMs * 1.2, leaseMs * 2]));
      },
    },
  ];
}

function linkFaults(name: string, link: FaultProxy): Fault[] {
  const victim = `link to ${name}`;
  const during = (kind: string, weight: number, begin: () => Disposable): Fault => ({
    ...{ kind, victim, weight },
    strike: async (random) => {
      using _broken = begin();
      await pause(between(random, BREAK_MS));
    },
  });
  return [
    {
      ...{ kind: "cut after request", victim, weight: 3 },
      strike: async (random) => link.cutAfterRequest(between(random, [1, 4])),
    },
    during("drop replies", 2, () => link.dropReplies()),
    during("stall", 2, () => link.stall()),
    {
      ...{ kind: "refuse", victim, weight: 1 },
      strike: async (random) => {
        await using _refusing = await link.refuse();
        await pause(between(random, BREAK_MS));
      },
    },
    { ...{ kind: "cut all", victim, weight: 1 }, strike: async () => void link.cutAll() },
  ];
}

interface Server {
  kill(): Promise<void>;
  start(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
}

const serverFaults = (victim: string, server: Server): Fault[] => [
  {
    ...{ kind: `kill -9 of ${victim}`, victim, weight: 4 },
    strike: async (random) => {
      await server.kill();
      await pause(between(random, AWAY_MS));
      await server.start();
    },
  },
  {
    ...{ kind: `freeze ${victim}`, victim, weight: 1 },
    strike: async (random) => {
      await server.pause();
      await pause(between(random, BREAK_MS));
      await server.resume();
    },
  },
];

export function chaosFaults({ pipeline, redis, store, leaseMs }: ChaosTargets): Fault[] {
  const { streamers, queueServices, collectors, links } = pipeline;
  return [
    ...[...streamers, ...queueServices, ...collectors].flatMap((member) => memberFaults(member, leaseMs)),
    ...linkFaults("queue-service", links.queue),
    ...linkFaults("Redis", links.redis),
    ...linkFaults("the store", links.store),
    ...serverFaults("Redis", {
      kill: () => redis.kill(),
      start: () => redis.start(),
      pause: () => redis.kill("SIGSTOP"),
      resume: () => redis.kill("SIGCONT"),
    }),
    ...serverFaults("the store", store),
    {
      ...{ kind: "CLIENT KILL", victim: "Redis", weight: 3 },
      strike: async () => void (await redis.command("CLIENT", "KILL", "TYPE", "normal")),
    },
  ];
}
