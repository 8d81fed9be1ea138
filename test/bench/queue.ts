/** Measures the queue on one Redis against BullMQ: publish, claim and ack, and the latency to a waiting consumer. */
import { type RedisServer, startRedisServer } from "../support/servers/redis-server.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { openBullMq } from "./queue/bullmq.ts";
import { createMessages, type Message } from "./queue/messages.ts";
import { openOurs } from "./queue/ours.ts";
import { EVERY_SECOND, redisCpuSeconds, redisMemoryBytes } from "./queue/redis-figures.ts";
import type { QueueSide } from "./queue/side.ts";
import { runRounds } from "./rounds.ts";
import { medians, quantile } from "./statistics.ts";
import { count, decimal, formatTable } from "./table.ts";

export interface QueueBenchOptions {
  readonly messages: number;
  readonly rounds: number;
}

/** Size of the messages, and messages per call. `share`: part of `messages` that this shape sends. */
const SHAPES = [
  { name: "1 reading a message, 100 a call", readings: 1, perCall: 100, share: 1 },
  { name: "500 readings a message, 10 a call", readings: 500, perCall: 10, share: 0.2 },
] as const;
const LATENCY_MESSAGES = 300;
const LATENCY_PAUSE_MS = 3;

type Figures = Readonly<
  Record<
    | "publishPerS"
    | "consumePerS"
    | "bothPerS"
    | "redisUsPerMessage"
    | "redisBytesPerMessage"
    | "latencyP50Ms"
    | "latencyP99Ms",
    number
  >
>;

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

async function measure(
  open: (redis: RedisServer) => Promise<QueueSide>,
  messages: readonly Message[],
  perCall: number,
) {
  await using redis = await startRedisServer({ args: EVERY_SECOND });
  await using side = await open(redis);
  const before = { cpuS: await redisCpuSeconds(redis), bytes: await redisMemoryBytes(redis) };
  const publishS = await timed(() => side.publish(messages, perCall));
  const bytes = (await redisMemoryBytes(redis)) - before.bytes;
  const consumeS = await side.consume(messages.length, perCall);
  const cpuS = (await redisCpuSeconds(redis)) - before.cpuS;
  const latencies = await side.latencies(messages.slice(0, LATENCY_MESSAGES), LATENCY_PAUSE_MS);
  return {
    publishPerS: messages.length / publishS,
    consumePerS: messages.length / consumeS,
    bothPerS: messages.length / (publishS + consumeS),
    redisUsPerMessage: (cpuS / messages.length) * 1e6,
    redisBytesPerMessage: bytes / messages.length,
    latencyP50Ms: quantile(latencies, 0.5),
    latencyP99Ms: quantile(latencies, 0.99),
  } satisfies Figures;
}

const TITLES: Readonly<Record<keyof Figures, readonly [title: string, format: (value: number) => string]>> = {
  publishPerS: ["publish, messages/s", count],
  consumePerS: ["claim + ack, messages/s", count],
  bothPerS: ["publish + claim + ack, messages/s", count],
  redisUsPerMessage: ["Redis CPU, µs/message", decimal],
  redisBytesPerMessage: ["Redis memory, bytes/message", count],
  latencyP50Ms: ["publish → claimed p50, ms", decimal],
  latencyP99Ms: ["publish → claimed p99, ms", decimal],
};

function formatMedians(ours: Figures, bullmq: Figures, readings: number): string {
  const names = Object.keys(TITLES) as (keyof Figures)[];
  const rows = names.map((name) => {
    const [title, format] = TITLES[name];
    return [title, format(ours[name]), format(bullmq[name]), `${decimal(ours[name] / bullmq[name])} ×`];
  });
  const inReadings = ["readings/s through it", count(ours.bothPerS * readings), count(bullmq.bothPerS * readings), ""];
  return formatTable([["median", "ours", "BullMQ", "ratio"], ...rows, inReadings]);
}

/** Prints each table once its figures are complete. @returns every figure, for `--json` */
export async function benchQueue({ messages, rounds }: QueueBenchOptions, print: (text: string) => void) {
  const machine = describeMachine();
  print(`${machineLine(machine)}\n`);
  const shapes = [];
  for (const { name, readings, perCall, share } of SHAPES) {
    const sent = createMessages(Math.ceil(messages * share), readings);
    const bytes = sent.reduce((sum, { body }) => sum + body.byteLength, 0) / sent.length;
    print(`\n${name}: ${count(sent.length)} messages of ${decimal(bytes, 0)} bytes, ${rounds} rounds\n`);
    const sides = {
      ours: () => measure(openOurs, sent, perCall),
      bullmq: () => measure(openBullMq, sent, perCall),
    };
    const measured = await runRounds(sides, rounds);
    const ours = medians(measured.map((round) => round.ours));
    const bullmq = medians(measured.map((round) => round.bullmq));
    print(formatMedians(ours, bullmq, readings));
    const ratios = { publishAndConsume: ours.bothPerS / bullmq.bothPerS };
    shapes.push({
      name,
      messages: sent.length,
      readings,
      perCall,
      bytes,
      rounds: measured,
      medians: { ours, bullmq },
      ratios,
    });
  }
  return { bench: "queue", machine, shapes };
}
