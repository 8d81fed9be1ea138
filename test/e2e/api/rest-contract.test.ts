import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { AppError } from "../../../schema/model/errors.ts";
import { openApi } from "../../support/api/api.ts";
import { createContract, type OpenApi } from "../../support/api/contract.ts";
import { type RestRequest, restRequests } from "../../support/api/rest-requests.ts";
import { batchOfReadings, NOON, uuidOf, type WrittenReading } from "../../support/collector/batches.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { openStore } from "../../support/repository/sqlite-store.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const RUNS = 2000;
const TIMEOUT_MS = 50;
const HOST = 'host "1", rack;2';

function* fleet(): Generator<WrittenReading> {
  for (let gpu = 0; gpu < 20; gpu++) {
    const facts = { gpu, host: gpu < 10 ? HOST : "host-2", namespace: gpu % 2 === 0 ? null : "research" };
    // GPU 1 has more readings than a page of a stream.
    for (let tick = 0; tick < (gpu === 1 ? 2000 : 10); tick++) {
      yield { ...facts, after: tick * 100, value: tick / 7 };
      yield { ...facts, series: 'DCGM_FI_DEV_XID_ERRORS{xid="7,\\"8\\""}', after: tick * 100, value: tick };
    }
  }
}

/** Faults of the store while a request is answered. */
const FAULTS = {
  none: async () => {},
  down: async () => {
    throw new AppError("The store is unavailable", { code: "unavailable" });
  },
  full: async () => {
    throw new AppError("Too many requests", { code: "overloaded", retryAfterMs: 1500 });
  },
  silent: (signal?: AbortSignal) => new Promise<void>((_, reject) => signal?.addEventListener("abort", reject)),
} as const;
type Fault = keyof typeof FAULTS;

async function openFilledApi(path: string) {
  const store = await openStore(path, { clock: new ManualClock(NOON + 3_600_000) });
  await store.save([batchOfReadings(fleet())]);
  const api = await openApi({ gpus: 0, config: { queryTimeoutMs: TIMEOUT_MS } });
  let fault: Fault = "none";
  // Calls that succeed before the fault: with 1, a stream fails after its first page.
  let pages = 0;
  const asked = async (signal: AbortSignal | undefined): Promise<void> => {
    if (fault === "none") return;
    if (pages-- <= 0) await FAULTS[fault](signal);
  };
  api.store.gpus = async (query) => {
    await asked(query.signal);
    return store.gpus(query);
  };
  api.store.gpusByUuid = async (uuids, options) => {
    await asked(options?.signal);
    return [...(await store.gpusByUuid(uuids, options))];
  };
  api.store.readings = async (gpu, window, query) => {
    await asked(query.signal);
    return store.readings(gpu, window, query);
  };
  return {
    api,
    setFault: (next: Fault, after: number) => {
      fault = next;
      pages = after;
      api.health.now = next === "none" ? { healthy: true, away: {} } : { healthy: false, away: { store: next } };
    },
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** Returns the statuses that are right without a fault; null when the document does not decide. */
function expected({ method, template, verdict, headers }: RestRequest): readonly number[] | null {
  if (template === null) return [404];
  if (method !== "GET" && method !== "HEAD") return [405];
  if (template === "/health") return [200];
  if (verdict === "either") return null;
  const found = [200, ...(template.includes("{uuid}") ? [404] : []), ...("if-none-match" in headers ? [304] : [])];
  const refused = headers.accept === undefined || /^(\*\/\*|application\/json)$/.test(headers.accept) ? [] : [406];
  return [...(verdict === "invalid" ? [400] : found), ...refused];
}

test(`${RUNS} random requests are answered as the OpenAPI document says`, async () => {
  const file = new URL("../../../schema/generated/openapi.json", import.meta.url);
  const document = JSON.parse(await readFile(file, "utf8")) as OpenApi;
  const contract = createContract(document);
  await using folder = await temporaryFolder();
  await using filled = await openFilledApi(join(folder.path, "store.sqlite"));
  const { api } = filled;
  const known: Record<string, string[]> = {
    uuid: [uuidOf(1), uuidOf(1), uuidOf(2), `GPU-${uuidOf(19).slice(4).toUpperCase()}`],
    hostname: [HOST, "host-2"],
    namespace: ["research"],
    model: ["NVIDIA H100 80GB HBM3"],
    metric: ["DCGM_FI_DEV_GPU_TEMP", "gpu_temp", "DCGM_FI_DEV_XID_ERRORS"],
  };
  for (const template of ["/api/v1/gpus", "/api/v1/gpus/{uuid}/telemetry"]) {
    const first = await api.get(`${template.replace("{uuid}", uuidOf(1))}?limit=3`);
    known[`after ${template}`] = [(await first.json()).next];
  }
  const faults = fc.oneof(
    { weight: 50, arbitrary: fc.constant<Fault>("none") },
    { weight: 10, arbitrary: fc.constantFrom<Fault>("down", "full") },
    { weight: 1, arbitrary: fc.constant<Fault>("silent") },
  );
  const statuses: Record<string, number> = {};
  const count = (what: string) => {
    statuses[what] = (statuses[what] ?? 0) + 1;
  };

  const seed = process.env.TEST_SEED === undefined ? Date.now() | 0 : Number(process.env.TEST_SEED);
  console.log(`REST contract: TEST_SEED=${seed}`);
  await fc.assert(
    fc.asyncProperty(
      restRequests(document, known),
      faults,
      fc.integer({ min: 0, max: 1 }),
      async (request, fault, after) => {
        filled.setFault(fault, after);
        const { method, path, headers } = request;
        const startedAt = performance.now();
        const response = await api.get(path, { method, headers });
        const text = await response.text().catch((error) => {
          if (fault === "none") throw error;
          return undefined;
        });
        count(text === undefined ? "cut" : String(response.status));
        if (text !== undefined) contract.check(path, response, method === "HEAD" ? null : text);
        expect(response.status).not.toBe(500);
        const isLate = performance.now() - startedAt > TIMEOUT_MS;
        const right = fault === "none" && !isLate ? expected(request) : null;
        if (right !== null) expect(right).toContain(response.status);
      },
    ),
    { seed, numRuns: RUNS },
  );
  console.log(`REST contract: ${JSON.stringify(statuses)}`);
  for (const status of ["200", "304", "400", "404", "405", "406", "429", "503"])
    expect(statuses).toHaveProperty(status);
}, 60_000);
