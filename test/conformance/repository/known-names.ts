/** Which names have ever been stored. */
import { expect, test } from "bun:test";
import type { NameKind } from "../../../schema/model/known-names.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { batchOf, ENGINE_3, factsOf, HOUR, type OpenRepository, podOf, type Row, UTIL } from "./bench.ts";

const CUSTOM = 'node_fan_speed{fan="left.1"}' as Series;

export function knownNamesConformance(open: OpenRepository): void {
  test("repository.names() returns the names of all kinds that were stored, ascending, each once", async () => {
    await using bench = await open();
    const { repository } = bench;
    const names = (kind: NameKind, startsWith?: string, limit = 100) => repository.names(kind, { startsWith, limit });
    for (const kind of ["metric", "hostname", "model", "namespace", "pod", "job"] as const) {
      expect(await names(kind)).toEqual([]);
    }
    const rows: Row[] = [
      [UTIL, 0, 1, factsOf(1, { host: "rack-b", holders: [podOf("train-1"), { kind: "job", job: "77" }] })],
      [
        ENGINE_3,
        0,
        1,
        factsOf(9, { host: "rack-a", model: "NVIDIA A100", instance: "3", holders: [podOf("train-2")] }),
      ],
      [UTIL, 0, 1, factsOf(17, { host: "", model: "", holders: [podOf("x", "prod")] })],
      [CUSTOM, 0, 1, factsOf(18, { host: "rack-a" })],
    ];
    await repository.save([batchOf(rows)]);
    expect(await names("metric")).toEqual(["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "node_fan_speed"]);
    expect(await names("metric", "node")).toEqual(["node_fan_speed"]);
    expect(await names("hostname")).toEqual(["rack-a", "rack-b"]);
    expect(await names("model")).toEqual(["NVIDIA A100", "NVIDIA H100 80GB HBM3"]);
    expect(await names("namespace")).toEqual(["prod", "research"]);
    expect(await names("pod")).toEqual(["train-1", "train-2", "x"]);
    expect(await names("pod", "train-")).toEqual(["train-1", "train-2"]);
    expect(await names("pod", "train-2")).toEqual(["train-2"]);
    expect(await names("pod", "", 2)).toEqual(["train-1", "train-2"]);
    expect(await names("job")).toEqual(["77"]);
    expect(await names("job", "8")).toEqual([]);
  });

  test("repository.names() has the hosts and pods of the past, also after their readings have expired", async () => {
    await using bench = await open();
    const { repository } = bench;
    const before = factsOf(1, { host: "old-host", holders: [podOf("old-pod")] });
    const after = factsOf(1, { host: "new-host" });
    await repository.save([batchOf([[CUSTOM, -2 * HOUR, 1, before]])]);
    await repository.save([batchOf([[UTIL, -HOUR, 1, after]], { seq: 2 })]);
    while ((await repository.expire(bench.clock.now() - 1.5 * HOUR)) > 0);
    expect(await repository.names("hostname", { limit: 10 })).toEqual(["new-host", "old-host"]);
    expect(await repository.names("pod", { limit: 10 })).toEqual(["old-pod"]);
    expect(await repository.names("metric", { limit: 10 })).toEqual(["DCGM_FI_DEV_GPU_UTIL", "node_fan_speed"]);
  });
}
