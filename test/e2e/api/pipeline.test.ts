import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { encodeBatch } from "../../../schema/batch/codec.ts";
import { packColumns } from "../../../schema/batch/columns.ts";
import { claim } from "../../conformance/queue/bench.ts";
import { openApi } from "../../support/api/api.ts";
import { ask, fillQueue } from "../../support/api/pipeline-api.ts";
import { batchOfReadings, NOON, uuidOf } from "../../support/collector/batches.ts";

let api: Awaited<ReturnType<typeof openApi>>;
afterEach(() => api[Symbol.asyncDispose]());

const LETTERS = `deadLetters { total next letters { id producer epoch seq readings bytes attempts reason publishedAt diedAt
  undecodable preview { readings firstAt lastAt gpuCount gpus seriesCount series } } }`;
describe("subgraph pipeline", () => {
  beforeEach(async () => {
    api = await openApi();
  });

  test("returns figures and counters of the queue together with fields of other subgraphs", async () => {
    await fillQueue(api.queue, ["aa", "bbb", "c"], 1);
    await claim(api.queue, { max: 1 });
    const { data, errors } = await ask(
      api,
      `{ hosts { hostname } queues { name ready leased delayed dead bytes
      oldestAgeSeconds orphans counters { published readings claimed nacked dead acked rejected } } }`,
    );
    expect(errors).toBeUndefined();
    expect(data.hosts).toHaveLength(1);
    expect(data.queues).toEqual([
      {
        name: "readings",
        ready: 1,
        leased: 1,
        delayed: 0,
        dead: 1,
        bytes: 4,
        oldestAgeSeconds: expect.any(Number),
        orphans: 0,
        counters: { published: 3, readings: 21, claimed: 2, nacked: 1, dead: 1, acked: 0, rejected: 0 },
      },
    ]);
  });

  test("previews the content of a dead letter, or the reason why it cannot be decoded", async () => {
    const batch = batchOfReadings([
      { gpu: 1, series: "DCGM_FI_DEV_GPU_TEMP", value: 40 },
      { gpu: 2, series: "DCGM_FI_DEV_GPU_UTIL", value: 50, after: 1500 },
      { gpu: 2, series: "DCGM_FI_DEV_GPU_TEMP", value: 41, after: 1500 },
    ]);
    await fillQueue(api.queue, [encodeBatch(batch), "rubbish"], 2);
    const { data, errors } = await ask(api, `{ ${LETTERS} }`);
    expect(errors).toBeUndefined();
    const { total, next, letters } = data.deadLetters;
    expect({ total, next }).toEqual({ total: 2, next: null });
    expect(letters[0]).toEqual({
      id: expect.any(String),
      producer: "csv@0/1",
      epoch: 1,
      seq: 1,
      readings: 7,
      bytes: encodeBatch(batch).byteLength,
      attempts: 1,
      reason: "unknown version",
      publishedAt: expect.stringMatching(/Z$/),
      diedAt: expect.stringMatching(/Z$/),
      undecodable: null,
      preview: {
        readings: 3,
        firstAt: new Date(NOON).toISOString().replace(".000", ""),
        lastAt: new Date(NOON + 1500).toISOString(),
        gpuCount: 2,
        gpus: [uuidOf(1), uuidOf(2)],
        seriesCount: 2,
        series: ["DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_GPU_UTIL"],
      },
    });
    expect(letters[1]).toMatchObject({
      seq: 2,
      preview: null,
      undecodable: expect.stringContaining("it is not a batch"),
    });
  });

  test("does not preview a dead letter that is too large for it", async () => {
    const at = Float64Array.from({ length: 140_000 }, (_, index) => NOON + index);
    const batch = batchOfReadings([{ gpu: 1, series: "DCGM_FI_DEV_GPU_TEMP", value: 40, after: at.length - 1 }]);
    const blocks = batch.blocks.map((block) => {
      return { ...block, from: NOON, readings: at.length, packed: packColumns({ at, values: [at], marks: [] }) };
    });
    const sightings = batch.sightings.map((sighting) => ({ ...sighting, from: NOON }));
    const large = { ...batch, firstAt: NOON, readings: at.length, blocks, sightings };
    await fillQueue(api.queue, [encodeBatch(large)], 1);
    const { data, errors } = await ask(api, `{ ${LETTERS} }`);
    expect(errors).toBeUndefined();
    const undecodable = expect.stringContaining("at most 131072 readings and 8388608 bytes, got 140000 readings");
    expect(data.deadLetters.letters[0]).toMatchObject({ preview: null, undecodable });
  });

  test("previews as much as the budget of an operation allows, under all its aliases, and the rest by itself", async () => {
    const at = Float64Array.from({ length: 100_000 }, (_, index) => NOON + index);
    const batch = batchOfReadings([{ gpu: 1, series: "DCGM_FI_DEV_GPU_TEMP", value: 40, after: at.length - 1 }]);
    const blocks = batch.blocks.map((block) => {
      return { ...block, from: NOON, readings: at.length, packed: packColumns({ at, values: [at], marks: [] }) };
    });
    const sightings = batch.sightings.map((sighting) => ({ ...sighting, from: NOON }));
    const body = encodeBatch({ ...batch, firstAt: NOON, readings: at.length, blocks, sightings });
    const count = 12;
    await fillQueue(
      api.queue,
      Array.from({ length: count }, () => body),
      count,
    );
    const asked = "letters { undecodable preview { readings } }";
    for (let time = 0; time < 2; time++) {
      const { data, errors } = await ask(api, `{ deadLetters { ${asked} } other: deadLetters { ${asked} } }`);
      expect(errors).toBeUndefined();
      const letters = [...data.deadLetters.letters, ...data.other.letters];
      const hidden = letters.filter(({ preview }: { preview: unknown }) => preview === null);
      expect([letters.length, hidden.length]).toEqual([2 * count, 2 * count - 10]);
      for (const { undecodable } of hidden) {
        expect(undecodable).toMatch(/^No preview: the previews of one operation .*; list fewer$/);
      }
    }
    const { data } = await ask(api, `{ deadLetters { next } last: deadLetters(limit: 10) { next } }`);
    const rest = await ask(api, `query($after: String) { deadLetters(after: $after) { ${asked} } }`, {
      variables: { after: data.last.next },
    });
    expect(rest.data.deadLetters.letters).toEqual([
      { undecodable: null, preview: { readings: 100_000 } },
      { undecodable: null, preview: { readings: 100_000 } },
    ]);
  });

  test("pages through dead letters, and refuses invalid limits and cursors", async () => {
    await fillQueue(api.queue, ["a", "b", "c"], 3);
    const seen: number[] = [];
    for (let after: string | null = null, pages = 0; pages === 0 || after !== null; pages++) {
      const { data } = await ask(
        api,
        `query($after: String) { deadLetters(limit: 2, after: $after) { next letters { seq } } }`,
        { variables: { after } },
      );
      seen.push(...data.deadLetters.letters.map(({ seq }: { seq: number }) => seq));
      after = data.deadLetters.next;
    }
    expect(seen).toEqual([1, 2, 3]);
    for (const args of ["limit: 0", "limit: 101", 'after: "nowhere"']) {
      const { errors } = await ask(api, `{ deadLetters(${args}) { total } }`);
      expect([args, errors?.[0]?.extensions?.code]).toEqual([args, "BAD_USER_INPUT"]);
    }
  });

  test("has no REST routes, and no mutations by GET", async () => {
    const paths = [
      "/api/v1/redrive-dead-letters",
      "/api/v1/purge_dead_letters",
      "/api/v1/queues",
      "/api/v1/dead_letters",
    ];
    for (const path of paths) {
      expect([path, (await fetch(api.url + path, { method: "POST" })).status]).toEqual([path, 404]);
      expect([path, (await fetch(api.url + path)).status]).toEqual([path, 404]);
    }
    const openApi = await (await fetch(`${api.url}/openapi.json`)).text();
    expect(openApi).not.toMatch(/dead/i);
  });
});
