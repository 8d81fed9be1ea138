import { expect, test } from "bun:test";
import { gatherConfigs } from "../../../services/platform/process/env.ts";
import { readStoreConfig } from "../../../services/repository/config.ts";

test("readStoreConfig() defaults to MongoDB at its host name in the cluster", () => {
  expect(readStoreConfig({})).toEqual({
    kind: "mongodb",
    url: "mongodb://mongodb:27017",
    database: "gpu_telemetry",
    poolSize: 20,
    retentionMs: 0,
    format: 1,
  });
  expect(readStoreConfig({}, { defaultFormat: 2 })).toMatchObject({ format: 2 });
});

test("readStoreConfig() reads address, database, pool size and retention of MongoDB", () => {
  const url = "mongodb://user:secret@db-1:27017,db-2:27017/?replicaSet=rs&authSource=admin";
  const env = { MONGODB_URI: url, MONGODB_DATABASE: "fleet", MONGODB_POOL_SIZE: "5", RETENTION: "30d", FORMAT: "2" };
  expect(readStoreConfig(env)).toEqual({
    kind: "mongodb",
    url,
    database: "fleet",
    poolSize: 5,
    retentionMs: 30 * 86_400_000,
    format: 2,
  });
  expect(readStoreConfig({ MONGODB_URI: "mongodb+srv://cluster.example" })).toMatchObject({ kind: "mongodb" });
});

test("readStoreConfig() chooses SQLite whenever SQLITE_PATH is set", () => {
  const env = { SQLITE_PATH: "/data/x.sqlite", MONGODB_URI: "mongodb://db", RETENTION: "1h" };
  expect(readStoreConfig(env)).toEqual({ kind: "sqlite", path: "/data/x.sqlite", retentionMs: 3_600_000 });
  expect(readStoreConfig({ ...env, SQLITE_PATH: "" }).kind).toBe("mongodb");
});

test("readStoreConfig() names each invalid variable, and never shows the address", () => {
  const problems = (env: Record<string, string>) => {
    try {
      gatherConfigs({ store: () => readStoreConfig(env) });
      return "none";
    } catch (error) {
      return (error as Error).message;
    }
  };
  for (const url of [
    "secret@db:27017",
    "http://user:secret@db",
    "mongodb://",
    "mongodb:// secret",
    "mongodb:///secret",
  ]) {
    expect(problems({ MONGODB_URI: url })).toContain("MONGODB_URI must be mongodb://HOST:PORT");
    expect(problems({ MONGODB_URI: url })).not.toContain("secret");
  }
  for (const name of ["a.b", "a/b", "a b", "$a", "x".repeat(64)]) {
    expect(problems({ MONGODB_DATABASE: name })).toContain("MONGODB_DATABASE must be ");
  }
  expect(problems({ MONGODB_POOL_SIZE: "0" })).toContain("MONGODB_POOL_SIZE must be a whole number from 1");
  expect(problems({ RETENTION: "soon" })).toContain("RETENTION must be ");
});
