import { expect, test } from "bun:test";
import { createLabelRules, DEFAULT_LABELS } from "../../../schema/dcgm/label-rules.ts";
import { SeriesMeanings } from "../../../services/scraper/exposition/series-meanings.ts";
import { withTargetLabels } from "../../../services/scraper/exposition/target-labels.ts";

const UUID = "GPU-5f000001-7a1c-4b2d-9e3f-0000000000f1";
const joined = (sample: Record<string, string>, target: Record<string, string>) =>
  Object.fromEntries(withTargetLabels(new Map(Object.entries(sample)), new Map(Object.entries(target))));

test("withTargetLabels() renames labels of a sample that its target has, too", () => {
  const target = { instance: "a:1", job: "dcgm" };
  expect(joined({ instance: "x", exported_job: "y", job: "z" }, target)).toEqual({
    instance: "a:1",
    job: "dcgm",
    exported_instance: "x",
    exported_job: "y",
    exported_exported_job: "z",
  });
});

const TARGET = { instance: "a:1", pod: "monitor-x1", namespace: "ops", container: "exporter" };

test("the holder is the pod of the sample, never that of the known target", () => {
  const meanings = new SeriesMeanings(createLabelRules(DEFAULT_LABELS), { ignored: () => undefined });
  const holdersOf = (labels: string, target: Record<string, string>) => {
    const text = `DCGM_FI_DEV_GPU_UTIL{UUID="${UUID}",gpu="0"${labels}}`;
    const meaning = meanings.of(text, new Map(Object.entries(target)));
    if (!meaning.ok) throw new Error(meaning.error.detail);
    return meaning.value.holders.map((holder) => (holder.kind === "pod" ? `${holder.namespace}/${holder.pod}` : ""));
  };
  expect(holdersOf("", TARGET)).toEqual([]);
  expect(holdersOf(',pod="train",namespace="ml",container="main"', TARGET)).toEqual(["ml/train"]);
  expect(holdersOf(',pod="train",namespace="ml",container="main"', { instance: "a:1" })).toEqual(["ml/train"]);
  expect(holdersOf(',pod="train",namespace="ml"', { namespace: "ops" })).toEqual(["ml/train"]);
  expect(holdersOf(',pod="monitor-x1",namespace="ops",container="exporter"', TARGET)).toEqual([]);
  expect(holdersOf(',pod="monitor-x1",namespace="ml",container="main"', TARGET)).toEqual(["ml/monitor-x1"]);
});
