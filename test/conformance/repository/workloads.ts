/** Workloads: pods and jobs with the GPUs that they held, also after they have gone. */
import { expect, test } from "bun:test";
import type { Holder } from "../../../schema/model/holder.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import type { Repository, WorkloadCursor, WorkloadQuery } from "../../../services/repository/port.ts";
import {
  batchOf,
  factsOf,
  HOUR,
  type OpenRepository,
  podOf,
  type Row,
  START,
  UTIL,
  uuidOf,
  windowOf,
} from "./bench.ts";

const held = (gpu: number, second: number, ...holders: readonly Holder[]): Row => [
  UTIL,
  second * 1000,
  1,
  factsOf(gpu, { holders }),
];
const JOB: Holder = { kind: "job", job: "1200" };
const sidecar: Holder = { ...podOf("a"), container: "sidecar" } as Holder;

const ask = async (repository: Repository, query: Partial<WorkloadQuery> = {}) =>
  (await repository.workloads({ window: ALL_TIME, limit: 100, ...query })).workloads;

const namesOf = async (repository: Repository, query: Partial<WorkloadQuery> = {}): Promise<string[]> =>
  (await ask(repository, query)).map(({ namespace, pod, job }) => `${namespace}/${pod}/${job}`);

export function workloadConformance(open: OpenRepository): void {
  test("repository.workloads() gathers the holds of a pod's containers on all its GPUs", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf([held(1, 0, podOf("a")), held(1, 1, podOf("a")), held(2, 1, sidecar), held(2, 2)])]);
    expect(await ask(repository)).toEqual([
      {
        namespace: "research",
        pod: "a",
        job: null,
        from: START,
        to: START + 1000,
        isOpen: true,
        holds: [
          { gpu: uuidOf(1), instance: null, holder: podOf("a"), from: START, to: START + 1000, isOpen: true },
          { gpu: uuidOf(2), instance: null, holder: sidecar, from: START + 1000, to: START + 1000, isOpen: false },
        ],
      },
    ]);
  });

  test("repository.workloads() filters by namespace, pod, job and window", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([
      batchOf([held(1, 0, podOf("a")), held(1, 1, podOf("b")), held(2, 0, podOf("a", "x")), held(2, 9, JOB)]),
    ]);
    expect(await namesOf(repository)).toEqual(["null/null/1200", "research/a/null", "research/b/null", "x/a/null"]);
    expect(await namesOf(repository, { namespace: "research" })).toEqual(["research/a/null", "research/b/null"]);
    expect(await namesOf(repository, { pod: "a" })).toEqual(["research/a/null", "x/a/null"]);
    expect(await namesOf(repository, { pod: "a", namespace: "x" })).toEqual(["x/a/null"]);
    expect(await namesOf(repository, { job: "1200" })).toEqual(["null/null/1200"]);
    expect(await namesOf(repository, { job: "1200", namespace: "x" })).toEqual([]);
    expect(await namesOf(repository, { namespace: "" })).toEqual([]);
    expect(await namesOf(repository, { window: windowOf(1000, 9000) })).toEqual(["research/b/null"]);
    expect(await namesOf(repository, { window: windowOf(-5, 0) })).toEqual([]);
  });

  test("repository.workloads() pages by cursor", async () => {
    await using bench = await open();
    const { repository } = bench;
    const pods = Array.from({ length: 23 }, (_, number) => podOf(`pod-${number}`, `ns-${number % 3}`));
    await repository.save([batchOf(pods.map((pod, number) => held(number, 0, pod, JOB)))]);
    const all = await namesOf(repository);
    expect(all).toHaveLength(24);
    const pages: string[] = [];
    let after: WorkloadCursor | undefined;
    do {
      const page = await repository.workloads({ window: ALL_TIME, limit: 5, after });
      expect(page.workloads.length).toBeLessThanOrEqual(5);
      pages.push(...page.workloads.map(({ namespace, pod, job }) => `${namespace}/${pod}/${job}`));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(pages).toEqual(all);
    expect((await repository.workloads({ window: ALL_TIME, limit: 24 })).next).toBeNull();
  });

  test("repository.workloads() returns a pod that has gone, with the holds of the window", async () => {
    await using bench = await open();
    const { repository } = bench;
    await bench.clock.advance(2 * HOUR);
    await repository.save([batchOf([held(1, 0, podOf("a")), held(1, 1), held(1, 3600, podOf("a")), held(1, 3601)])]);
    const [gone] = await ask(repository, { pod: "a", window: windowOf(0, HOUR) });
    expect(gone).toMatchObject({ from: START, to: START, isOpen: false, holds: [{ from: START }] });
    expect((await ask(repository, { pod: "a" }))[0]?.holds).toHaveLength(2);
  });
}
