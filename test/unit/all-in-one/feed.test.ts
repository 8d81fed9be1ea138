import { expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { holdsRealData } from "../../../services/all-in-one/feed.ts";
import { SAMPLE_GPUS } from "../../../services/all-in-one/sample-gpus.ts";
import type { Repository } from "../../../services/repository/port.ts";
import { ROOT } from "../../support/programs/process.ts";

const storeOf = (uuids: readonly string[]) =>
  ({
    gpus: async ({ limit }: { limit: number }) => ({
      gpus: uuids.slice(0, limit).map((uuid) => ({ uuid })),
      total: uuids.length,
      next: null,
    }),
  }) as unknown as Repository;

test("SAMPLE_GPUS are the GPUs of data/sample.csv.gz", async () => {
  const csv = gunzipSync(await Bun.file(`${ROOT}/data/sample.csv.gz`).bytes()).toString();
  expect([...SAMPLE_GPUS].sort()).toEqual([...new Set(csv.match(/GPU-[0-9a-f-]{36}/g))].sort());
});

test("holdsRealData() is false for an empty store and for the sample, and true for any other GPU", async () => {
  const sample = [...SAMPLE_GPUS];
  expect(await holdsRealData(storeOf([]))).toBe(false);
  expect(await holdsRealData(storeOf(sample))).toBe(false);
  expect(await holdsRealData(storeOf([...sample, "GPU-00000000-0000-0000-0000-000000000001"]))).toBe(true);
});
