/** Texts of a batch that no source sends, because a queue takes batches from every program that knows its token. */
import { describe, expect, test } from "bun:test";
import type { Batch } from "../../../schema/batch/batch.ts";
import { decodeBatch, encodeBatch } from "../../../schema/batch/codec.ts";
import type { GpuFacts } from "../../../schema/model/gpu.ts";
import type { Holder } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { batchOf, factsOf, podOf, UTIL } from "../../conformance/repository/bench.ts";

const POD = podOf("train-1") as Extract<Holder, { kind: "pod" }>;
/** Every text field of the facts and of a holder, by version of the batch. */
const FIELDS = {
  1: {
    facts: ["index", "device", "model", "host", "driver"],
    holder: ["container", "pod", "namespace"],
  },
  2: {
    facts: ["instance", "index", "device", "model", "host", "driver", "pciBusId", "profile", "labels"],
    holder: ["container", "pod", "namespace", "podUid"],
  },
} as const;

function decoded(
  v: Batch["v"],
  { facts = {}, holder = POD, series = UTIL }: { facts?: Partial<GpuFacts>; holder?: Holder; series?: string },
) {
  const batch = batchOf([[series as Series, 0, 1, factsOf(1, { ...facts, holders: [holder] })]], { v });
  return decodeBatch(encodeBatch(batch));
}

describe.each([1, 2] as const)("decodeBatch() of version %d", (v) => {
  // A line break in a series' name would end the name where stores list the series of a bucket.
  test.each(["\n", "\u0000", "\u001b[2J", "\u007f", "\u0085", "\u2028", "\u202e", "\u2066"])(
    "refuses a text with %j in every field",
    (mark) => {
      const text = `a${mark}b`;
      const refused = {
        ok: false as const,
        error: expect.stringMatching(/text \d+ must be printable, got ".*a.+b.*"$/),
      };
      for (const name of FIELDS[v].facts) expect(decoded(v, { facts: { [name]: text } })).toEqual(refused);
      for (const name of FIELDS[v].holder) expect(decoded(v, { holder: { ...POD, [name]: text } })).toEqual(refused);
      if (v === 2) expect(decoded(v, { holder: { kind: "job", job: text } })).toEqual(refused);
      expect(decoded(v, { series: `${UTIL}{a="${text}"}` })).toEqual(refused);
    },
  );

  test("accepts texts of every script", () => {
    for (const host of ["ノード-1", "узел", "מחשב", "node 1", "😀", ""]) {
      expect(decoded(v, { facts: { host } }).ok).toBe(true);
    }
  });
});
