/** Rows and answers of the tests of holds. */
import { ALL_TIME } from "../../../schema/model/window.ts";
import { heldIn, nameOf } from "../../support/repository/held-in.ts";
import { factsOf, GPU, heldBy, type RepositoryUnderTest, type Row, START, UTIL } from "./bench.ts";

/** Returns one reading a second, each with the pods that hold the GPU at that time. */
export const rowsHeldBy = (pods: readonly (string | null)[], from = 0): Row[] =>
  pods.map((pod, tick) => [UTIL, (from + tick) * 1000, tick, factsOf(1, heldBy(pod))]);

export type Interval = [pod: string | null, from: number, to: number];

/** Returns the holds of GPU 1 in seconds after START. */
export const intervals = async (
  { repository }: Pick<RepositoryUnderTest, "repository">,
  window = ALL_TIME,
): Promise<Interval[]> =>
  (await heldIn(repository, GPU, window)).map((hold) => [
    nameOf(hold),
    (hold.from - START) / 1000,
    (hold.to - START) / 1000,
  ]);
