import { describe, expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { EXPORT_COLUMNS } from "../../../schema/dcgm/columns.ts";
import type { Holder } from "../../../schema/model/holder.ts";
import { batchOf, ENGINE_3, factsOf, podOf, TEMP, UTIL, uuidOf } from "../../conformance/repository/bench.ts";
import { openModel, openTelemetryRest } from "../../support/telemetry/export.ts";

const GPUS = [0, 1, 2].map(uuidOf);

describe("GET /api/v1/telemetry", () => {
  const filled = async () => {
    const repository = openModel();
    const held = (gpu: number, ...holders: Holder[]) => factsOf(gpu, { host: `host-${gpu}`, holders });
    const shared = held(0, podOf("a"), podOf("b", "prod"), { kind: "job", job: "7" });
    await repository.save([
      batchOf([
        [UTIL, 0, 1.5, shared],
        [UTIL, 1000, 2, held(0)],
        [ENGINE_3, 1000, 3, factsOf(1, { host: "host-1", instance: "3", profile: "1g.10gb", holders: [podOf("b")] })],
        [TEMP, 2000, 4, held(1)],
        [TEMP, 3000, 5, held(2, podOf("a"))],
      ]),
    ]);
    return openTelemetryRest(repository);
  };

  test("writes one row for each reading, GPU after GPU, and several holders in one cell", async () => {
    const ask = await filled();
    const lines = (await (await ask()).text()).split("\r\n");
    expect(lines[0]).toBe(EXPORT_COLUMNS.join());
    const H100 = "NVIDIA H100 80GB HBM3";
    expect((parse(lines.slice(1).join("\r\n")) as string[][]).map((cells) => cells.slice(0, 11))).toEqual([
      ["2025-07-20T10:00:00Z", UTIL, GPUS[0], "", "host-0", "0", H100, "prod;research", "b;a", "main;main", "1.5"],
      ["2025-07-20T10:00:01Z", UTIL, GPUS[0], "", "host-0", "0", H100, "", "", "", "2"],
      [
        "2025-07-20T10:00:01Z",
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
        GPUS[1],
        "3",
        "host-1",
        "1",
        H100,
        "research",
        "b",
        "main",
        "3",
      ],
      ["2025-07-20T10:00:02Z", TEMP, GPUS[1], "", "host-1", "1", H100, "", "", "", "4"],
      ["2025-07-20T10:00:03Z", TEMP, GPUS[2], "", "host-2", "2", H100, "research", "a", "main", "5"],
    ] as string[][]);
    expect(lines[1]).toEndWith('"DCGM_FI_DRIVER_VERSION=""535.129.03"",device=""nvidia0"",hpc_job=""7"""');
  });

  test("as NDJSON has a line for each reading, with null for what is unknown", async () => {
    const ask = await filled();
    const lines = (await (await ask(`?uuid=${GPUS[1]}&metric=gpu_temp`, "application/x-ndjson")).text())
      .trim()
      .split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        timestamp: "2025-07-20T10:00:02Z",
        metric_name: TEMP,
        uuid: GPUS[1],
        GPU_I_ID: null,
        hostname: "host-1",
        gpu_id: "1",
        modelName: "NVIDIA H100 80GB HBM3",
        namespace: null,
        pod: null,
        container: null,
        value: 4,
        labels: 'DCGM_FI_DRIVER_VERSION="535.129.03",device="nvidia1"',
      },
    ]);
  });

  test("filters by GPU, host, model, holder at the time, metric and window", async () => {
    const ask = await filled();
    const values = async (query: string) =>
      (parse(await (await ask(query)).text()) as string[][]).slice(1).map((cells) => Number(cells[10]));
    expect(await values("?namespace=research")).toEqual([1.5, 3, 5]);
    expect(await values("?pod=b")).toEqual([1.5, 3]);
    expect(await values("?namespace=research&pod=b")).toEqual([3]);
    expect(await values("?job=7")).toEqual([1.5]);
    expect(await values("?hostname=host-1")).toEqual([3, 4]);
    expect(await values("?model=NVIDIA+A100")).toEqual([]);
    expect(await values(`?uuid=${GPUS[0]}`)).toEqual([1.5, 2]);
    expect(await values("?metric=GPU_UTIL&metric=gr_engine_active")).toEqual([1.5, 2, 3]);
    expect(await values("?start_time=2025-07-20T10:00:01Z&end_time=2025-07-20T10:00:02Z")).toEqual([2, 3, 4]);
    expect(await values("?start_time=now-1h")).toEqual([]);
  });

  test("as JSON is paged; pages together have each reading once", async () => {
    const ask = await filled();
    const values: number[] = [];
    let after: string | null = null;
    do {
      const page = await (await ask(`?limit=2${after === null ? "" : `&after=${after}`}`, "application/json")).json();
      expect(page.telemetry.length).toBe(page.count);
      values.push(...page.telemetry.map(({ value }: { value: number }) => value));
      after = page.next;
    } while (after !== null);
    expect(values).toEqual([1.5, 2, 3, 4, 5]);
  });

  test("names what nothing has ever had; an unknown GPU is 404, an unknown metric 400", async () => {
    const ask = await filled();
    expect((await ask("?hostname=host-9")).headers.get("note")).toMatch(/^No hostname "host-9" has ever been seen/);
    expect((await ask(`?uuid=${uuidOf(99)}`)).status).toBe(404);
    expect((await ask("?uuid=GPU-1")).status).toBe(400);
    expect((await ask("?metric=nope")).status).toBe(400);
  });
});
