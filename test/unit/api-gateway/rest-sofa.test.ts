import { expect, test } from "bun:test";
import type { DocumentNode } from "graphql";
import { createRest } from "../../../services/api-gateway/rest/handler.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

interface Asked {
  readonly subgraph: string;
  readonly query: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** The REST handler over subgraphs that answer every query with the same data. */
function openRest() {
  const asked: Asked[] = [];
  const data = { gpus: { gpus: [], total: 0, next: null }, gpu: { uuid: "x" }, gpu_telemetry: { telemetry: [] } };
  const ask = async (subgraph: string, query: DocumentNode, { variables }: Pick<Asked, "variables">) => {
    asked.push({ subgraph, query, variables });
    return { data };
  };
  return {
    asked,
    rest: createRest({ ask }, { log: silentLogger, clock: new ManualClock(), clientOf: () => "client" }),
  };
}

const MIG = "MIG-GPU-5fd4f087-86f3-7a43-b711-4771313afc50/1/0";

for (const [path, subgraph, variables] of [
  ["/gpus", "inventory", {}],
  ["/gpus?hostname=a%26b=c&limit=7&after=%C3%A9", "inventory", { hostname: "a&b=c", limit: 7, after: "é" }],
  ["/gpus/GPU-1", "inventory", { uuid: "GPU-1" }],
  [`/gpus/${MIG}`, "inventory", { uuid: MIG }],
  ["/gpus/GPU-1/telemetry?metric=a", "telemetry", { uuid: "GPU-1", metric: ["a"] }],
  [
    `/gpus/${encodeURIComponent(MIG)}/telemetry?metric=b&metric=a,c&start_time=2025-07-20T10:00:00%2B02:00`,
    "telemetry",
    { uuid: MIG, metric: ["b", "a,c"], start_time: "2025-07-20T10:00:00+02:00" },
  ],
] as const) {
  test(`GET ${path} passes its parameters to ${subgraph} unchanged`, async () => {
    const { asked, rest } = openRest();
    const response = await rest(new Request(`http://localhost/api/v1${path}`));
    expect(response.status).toBe(200);
    expect(asked.map((call) => [call.subgraph, call.variables])).toEqual([[subgraph, variables]]);
  });
}

test("a request is answered without making another Request", async () => {
  const { rest } = openRest();
  const request = new Request("http://localhost/api/v1/gpus/GPU-1");
  const original = globalThis.Request;
  let made = 0;
  globalThis.Request = class extends original {
    constructor(...args: ConstructorParameters<typeof Request>) {
      super(...args);
      made++;
    }
  } as typeof Request;
  try {
    expect((await rest(request)).status).toBe(200);
  } finally {
    globalThis.Request = original;
  }
  expect(made).toBe(0);
});
