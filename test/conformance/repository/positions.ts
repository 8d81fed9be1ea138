/** Positions of producers. */
import { expect, test } from "bun:test";
import type { StoredPosition } from "../../../services/repository/port.ts";
import { batchOf, type OpenRepository, read, UTIL } from "./bench.ts";

const at = (epoch: number, seq: number, producer = "csv@0/1"): StoredPosition => ({
  producer,
  epoch,
  seq,
  position: `${producer} ${epoch}:${seq}`,
});

export function positionConformance(open: OpenRepository): void {
  test("repository.position() returns the position saved with the readings, per producer", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf([[UTIL, 0, 1]])], { positions: [at(1, 1), at(4, 9, "csv@1/2")] });
    expect(await read(repository)).toHaveLength(1);
    expect(await repository.position("csv@0/1")).toEqual(at(1, 1));
    expect(await repository.position("csv@1/2")).toEqual(at(4, 9, "csv@1/2"));
    expect(await repository.position("csv@0/2")).toBeNull();
  });

  test("repository.position() never goes back, by epoch and then by seq", async () => {
    await using bench = await open();
    const { repository } = bench;
    const save = async (...positions: StoredPosition[]) => {
      await repository.save([], { positions });
      return repository.position("csv@0/1");
    };
    expect(await save(at(1, 5))).toEqual(at(1, 5));
    expect(await save(at(1, 4))).toEqual(at(1, 5));
    expect(await save({ ...at(1, 5), position: "other" })).toEqual(at(1, 5));
    expect(await save(at(2, 1))).toEqual(at(2, 1));
    expect(await save(at(1, 99))).toEqual(at(2, 1));
    expect(await save(at(2, 3), at(2, 2))).toEqual(at(2, 3));
  });

  test("repository.save() stores the position also when every reading is a duplicate", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf([[UTIL, 0, 1]])], { positions: [at(1, 1)] });
    await repository.save([batchOf([[UTIL, 0, 1]])], { positions: [at(2, 1)] });
    expect(await repository.position("csv@0/1")).toEqual(at(2, 1));
  });
}
