/** Every call of the queue as a fast-check command, which compares the queue with its model afterwards. */
import { expect } from "bun:test";
import fc from "fast-check";
import type { NackMode, OutgoingBatch } from "../../../services/queue/port.ts";
import { batchOf, type QueueUnderTest } from "./bench.ts";
import type { QueueModel } from "./model.ts";

type Command = fc.AsyncCommand<QueueModel, QueueUnderTest>;

/** Commands are a millisecond apart and all durations are multiples of this, so no two deadlines are equal. */
const STEP_MS = 10_000;
const MAX_COMMANDS = 100;
const PRODUCERS = ["a", "b"];

async function compare(model: QueueModel, { queue }: QueueUnderTest): Promise<void> {
  const stats = await queue.stats();
  expect(stats).toEqual(model.stats);
  const { published, acked, purged } = stats.counters;
  expect(published).toBe(acked + purged + stats.ready + stats.leased + stats.delayed + stats.dead);
}

/** `run` calls both and compares their answers; then the figures are compared. */
function command(name: string, run: (model: QueueModel, real: QueueUnderTest) => Promise<void>): Command {
  return {
    check: () => true,
    async run(model, real) {
      model.advance(1);
      await real.advance(1);
      await run(model, real);
      await compare(model, real);
    },
    toString: () => name,
  };
}

/** Picks receipts of deliveries so far by number, the newest first; stale ones too. */
function pick(model: QueueModel, numbers: readonly number[]): string[] {
  const all = [...model.receipts.keys()];
  return [
    ...new Set(numbers.map((number) => all.at(-1 - (number % Math.max(1, all.length))) ?? "no receipt of the queue")),
  ];
}

const open = (producer: string) =>
  command(`open ${producer}`, async (model, { queue }) => {
    const before = model.producers.get(producer);
    const inherited = model.inherited(producer, PRODUCERS);
    const opened = await queue.openProducer(producer, { inherit: PRODUCERS });
    expect(opened.epoch).toBeGreaterThan(before?.epoch ?? 0);
    const { seq = 0, position = null } = before ?? {};
    expect(opened).toEqual({ epoch: opened.epoch, seq, position, inherited });
    model.opened(producer, opened.epoch);
  });

/**
 * `offset` 0 continues after the last accepted batch, a negative one repeats, a positive one leaves a gap. `age` is how
 * many lives ago the epoch was opened; a negative one is an epoch that the queue does not know.
 */
const publish = (producer: string, texts: readonly string[], offset: number, age: number) =>
  command(`publish ${producer} ${texts.join(" ")} offset ${offset} age ${age}`, async (model, { queue }) => {
    const { seq, epoch } = model.producers.get(producer) ?? { seq: 0, epoch: 1 };
    const from = { producer, epoch: Math.max(1, epoch - age) };
    const first = Math.max(1, seq + 1 + offset);
    const batches: OutgoingBatch[] = texts.map((text, index) => batchOf(first + index, text));
    const kind = model.publish(batches, from);
    const outcome = await queue.publish(batches, from);
    expect(outcome.kind).toBe(kind);
    if (outcome.kind === "gap") expect(outcome.last).toBe(seq);
  });

const claim = (max: number, maxBytes: number, leaseMs: number) =>
  command(`claim ${max} of ${maxBytes} bytes for ${leaseMs}`, async (model, { queue }) => {
    const { entries, expected } = model.claim(max, maxBytes, leaseMs);
    const deliveries = await queue.claim({ max, maxBytes, leaseMs, waitMs: 0 });
    expect(deliveries.map(({ id, receipt, body, ...rest }) => ({ ...rest, body: Uint8Array.from(body) }))).toEqual(
      expected as never,
    );
    for (const [index, delivery] of deliveries.entries()) model.delivered(entries[index] as never, delivery);
  });

const ack = (numbers: readonly number[]) =>
  command(`ack ${numbers}`, async (model, { queue }) => {
    const receipts = pick(model, numbers);
    expect(await queue.ack(receipts)).toEqual(model.ack(receipts));
  });

const nack = (numbers: readonly number[], mode: NackMode) =>
  command(`nack ${numbers} ${JSON.stringify(mode)}`, async (model, { queue }) => {
    const receipts = pick(model, numbers);
    expect(await queue.nack(receipts, mode)).toEqual(model.nack(receipts, mode));
  });

const extend = (number: number, leaseMs: number) =>
  command(`extend ${number} for ${leaseMs}`, async (model, { queue }) => {
    const receipts = pick(model, [number]);
    expect(await queue.extend(receipts, leaseMs)).toEqual(model.extend(receipts, leaseMs));
  });

const advance = (ms: number) =>
  command(`advance ${ms}`, async (model, real) => {
    model.advance(ms);
    await real.advance(ms);
  });

const list = (limit: number) =>
  command(`list ${limit} at a time`, async (model, { queue }) => {
    const letters = [];
    for (let after: string | undefined | null; after !== null; ) {
      const page = await queue.deadLetters.list({ limit, after });
      expect(page.letters.length).toBeLessThanOrEqual(limit);
      expect(page.total).toBe(model.letters.length);
      letters.push(...page.letters);
      after = page.next;
    }
    expect(letters.length).toBe(model.letters.length);
    expect(letters).toMatchObject(model.letters);
  });

/** Picks ids of dead letters by number, in the order given; undefined for all. */
function named(model: QueueModel, numbers: readonly number[] | null): string[] | undefined {
  const ids = model.deadIds;
  return numbers?.map((number) => ids[number % Math.max(1, ids.length)] ?? "no letter");
}

const redrive = (numbers: readonly number[] | null) =>
  command(`redrive ${numbers ?? "all"}`, async (model, { queue }) => {
    const ids = named(model, numbers);
    expect(await queue.deadLetters.redrive(ids)).toBe(model.redrive(ids));
  });

const purge = (numbers: readonly number[] | null) =>
  command(`purge ${numbers ?? "all"}`, async (model, { queue }) => {
    const ids = named(model, numbers);
    expect(await queue.deadLetters.purge(ids)).toBe(model.purge(ids));
  });

const span = fc.integer({ min: 1, max: 4 }).map((steps) => steps * STEP_MS);
const number = fc.nat({ max: 8 });
const numbers = fc.array(number, { minLength: 1, maxLength: 4 });
const text = fc.string({ unit: fc.constantFrom("x", "y"), minLength: 1, maxLength: 12 });
const offset = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: -3, max: 1 }) },
);
const age = fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-1, 1) });
const producer = fc.constantFrom(...PRODUCERS);
const several = fc.constantFrom<NackMode>(
  { kind: "release" },
  { kind: "reject", reason: "damaged" },
  { kind: "retry", delayMs: 0, reason: "busy" },
);
const later = fc
  .tuple(span, fc.boolean())
  .map(
    ([delayMs, retries]): NackMode =>
      retries ? { kind: "retry", delayMs, reason: "later" } : { kind: "release", delayMs },
  );

/** Sequences of up to 100 commands. Short sequences miss defects that need several deliveries of one batch. */
export const queueCommands = fc.commands(
  [
    producer.map(open),
    fc.tuple(producer, fc.array(text, { minLength: 1, maxLength: 3 }), offset, age).map((args) => publish(...args)),
    fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 30 }), span).map((args) => claim(...args)),
    numbers.map(ack),
    fc.tuple(numbers, several).map((args) => nack(...args)),
    fc
      .tuple(
        number.map((one) => [one]),
        later,
      )
      .map((args) => nack(...args)),
    fc.tuple(number, span).map((args) => extend(...args)),
    span.map(advance),
    fc.integer({ min: 1, max: 3 }).map(list),
    fc.option(numbers).map(redrive),
    fc.option(numbers).map(purge),
  ],
  { maxCommands: MAX_COMMANDS, size: "max" },
);
