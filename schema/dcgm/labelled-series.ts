/** Tells what series mean that are given by name and labels, as opposed to the columns of a table. */
import { isNilUuid } from "../model/gpu.ts";
import { fail, type Result } from "../model/result.ts";
import { parseDcgmHeader } from "./columns.ts";
import type { LabelRules } from "./label-rules.ts";
import type { RowFault, RowIdentity } from "./row.ts";
import { type IgnoredTarget, RowIdentities } from "./row-identities.ts";

/** Lists of label names that are remembered; a fleet has a few dozen. Beyond it, all are forgotten. */
const MAX_LAYOUTS = 256;
/** Layouts remember what series mean. After this many series, all is forgotten, so that memory is bounded. */
const MAX_SERIES = 200_000;
const FIXED = ["timestamp", "__name__", "value", "labels_raw"] as const;
const NO_LABELS: ReadonlySet<string> = new Set([...FIXED, "metric_name"]);

const NIL = fail<RowFault>({
  reason: "uuid",
  detail: "uuid must be that of one GPU, got zeros, which many GPUs report",
});

export class LabelledSeries {
  readonly #rules: LabelRules;
  readonly #target: IgnoredTarget;
  readonly #layouts = new Map<string, Result<RowIdentities>>();
  #asked = 0;

  /** @param target is called with labels that are ignored */
  constructor(rules: LabelRules, target: IgnoredTarget) {
    this.#rules = rules;
    this.#target = target;
  }

  of(metric: string, given: Iterable<readonly [name: string, value: string]>): Result<RowIdentity, RowFault> {
    const labels = [...given].filter(([name]) => !NO_LABELS.has(name));
    const layout = this.#layoutOf(labels.map(([name]) => name));
    if (!layout.ok) return fail({ reason: "labels", detail: layout.error });
    const fields = ["", metric, "", "", ...labels.map(([, value]) => value)];
    const identity = layout.value.of(fields, this.#target);
    return identity.ok && isNilUuid(identity.value.facts.uuid) ? NIL : identity;
  }

  #layoutOf(names: readonly string[]): Result<RowIdentities> {
    const key = names.join("\n");
    const known = this.#layouts.get(key);
    if (known !== undefined && ++this.#asked < MAX_SERIES) return known;
    if (this.#layouts.size >= MAX_LAYOUTS || this.#asked >= MAX_SERIES) {
      this.#layouts.clear();
      this.#asked = 0;
    }
    const columns = parseDcgmHeader([...FIXED, ...names]);
    const layout = columns.ok
      ? { ok: true as const, value: new RowIdentities({ columns: columns.value, rules: this.#rules }) }
      : columns;
    this.#layouts.set(key, layout);
    return layout;
  }
}
