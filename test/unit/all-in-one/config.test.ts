import { expect, test } from "bun:test";
import { readAllInOneConfig, readIngestConfig, storePlace } from "../../../services/all-in-one/config.ts";

const terminal = { isTerminal: false };
const read = (env: Record<string, string>) => readAllInOneConfig(env, terminal);

test("readAllInOneConfig() without variables keeps everything in this process and one file", () => {
  const { backends, collector } = read({});
  expect(backends).toEqual({ store: { kind: "sqlite", path: ".data/telemetry.sqlite", retentionMs: 0 }, redis: null });
  expect(collector.positions).toBe("store");
});

test("readAllInOneConfig() uses Redis if REDIS_ADDR is set, and keeps positions in the queue", () => {
  const { backends, collector } = read({ REDIS_ADDR: "cache:6380", QUEUE_PARTITIONS: "4", SQLITE_PATH: "x.sqlite" });
  expect(backends.redis).toMatchObject({
    server: { mode: "single", addresses: [{ host: "cache", port: 6380 }] },
    bounds: { partitions: 4, maxDeliveries: 5 },
  });
  expect(backends.store).toMatchObject({ kind: "sqlite", path: "x.sqlite" });
  expect(collector.positions).toBe("queue");
});

test.each([
  { env: {}, paths: [], feed: "sample", reads: /sample\.csv\.gz$/ },
  { env: { CSV_PATH: "a.csv" }, paths: [], feed: "files", reads: /^a\.csv$/ },
  { env: { CSV_PATH: "a.csv" }, paths: ["b.csv"], feed: "files", reads: /^b\.csv$/ },
  { env: { CSV_PATH: "none" }, paths: [], feed: "none", reads: /^none$/ },
  { env: { CSV_PATH: "none" }, paths: ["b.csv"], feed: "files", reads: /^b\.csv$/ },
])("readAllInOneConfig() of $env and files $paths feeds $feed", ({ env, paths, feed, reads }) => {
  const config = readAllInOneConfig(env, { ...terminal, paths });
  expect(config.feed).toBe(feed as typeof config.feed);
  expect(config.streamer.sources.paths).toEqual([expect.stringMatching(reads)]);
});

test("readAllInOneConfig() rejects two stores, and reports the problems of all backends at once", () => {
  const both = { MONGODB_URI: "mongodb://user:secret@db", SQLITE_PATH: "x.sqlite" };
  expect(() => read(both)).toThrow("SQLITE_PATH and MONGODB_URI are both set");
  expect(() => read({ ...both, REDIS_ADDR: "cache", REDIS_DB: "many", QUEUE_PARTITIONS: "0" })).toThrow(
    /both set[\s\S]*REDIS_DB must .*"many"[\s\S]*QUEUE_PARTITIONS must .*"0"/,
  );
  expect(() => read(both)).not.toThrow("secret");
});

test("readAllInOneConfig() refuses to scrape for collectors that may not know version 2", () => {
  const scraping = { REDIS_ADDR: "cache", SCRAPE_TARGETS: "node-1:9400" };
  expect(() => read(scraping)).toThrow("SCRAPE_… needs FORMAT=2");
  expect(read({ ...scraping, FORMAT: "2" })).toMatchObject({ feed: "none", streamer: { format: 2 } });
  expect(read({ SCRAPE_TARGETS: "node-1:9400" }).streamer.format).toBe(2);
});

test("readAllInOneConfig() refuses to receive for collectors that may not know version 2", () => {
  const receiving = { REDIS_ADDR: "cache", RECEIVER_TOKEN: "secret" };
  expect(() => read(receiving)).toThrow("RECEIVER_TOKEN needs FORMAT=2");
  expect(read({ ...receiving, FORMAT: "2" }).feed).toBe("none");
});

test("readAllInOneConfig() keeps the receiver's spool beside the store, and a token keeps the sample out", () => {
  expect(read({}).receiveSpool).toEqual({ folder: ".data/telemetry.sqlite.received", maxBytes: 1024 ** 3 });
  expect(read({ MONGODB_URI: "mongodb://db" }).receiveSpool.folder).toBe(".data/received");
  expect(read({ SQLITE_PATH: "a.sqlite", RECEIVE_SPOOL_PATH: "b" }).receiveSpool.folder).toBe("b");
  expect(read({ RECEIVER_TOKEN: "secret" }).feed).toBe("none");
});

test("readIngestConfig() uses a queue in the process even if REDIS_ADDR is set", () => {
  const { backends, collector, streamer } = readIngestConfig({ REDIS_ADDR: "cache:6380" }, ["a.csv"], terminal);
  expect(backends.redis).toBeNull();
  expect(collector.positions).toBe("store");
  expect(streamer).toMatchObject({ sources: { paths: ["a.csv"] }, intervalMs: 0, loop: false, times: "source" });
});

test("readIngestConfig() takes BATCH_SIZE for the streamer", () => {
  const { streamer } = readIngestConfig({ BATCH_SIZE: "500" }, ["a.csv"], terminal);
  expect(streamer.batchSize).toBe(500);
  expect(() => readIngestConfig({ BATCH_SIZE: "0" }, ["a.csv"], terminal)).toThrow(
    'BATCH_SIZE must be a whole number from 1 to 65536, got "0"',
  );
});

test("storePlace() names the store without its password", () => {
  const place = (env: Record<string, string>) => storePlace(read(env).backends.store);
  expect(place({ SQLITE_PATH: "x.sqlite" })).toBe("x.sqlite");
  expect(place({ MONGODB_URI: "mongodb://db" })).toBe("mongodb://db/gpu_telemetry");
  const url = "mongodb+srv://user:sec@ret@a.example,b.example/admin?tls=true";
  expect(place({ MONGODB_URI: url, MONGODB_DATABASE: "fleet" })).toBe("mongodb+srv://a.example,b.example/fleet");
});
