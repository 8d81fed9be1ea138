/** Remembers the slots of series that are given by name and labels, as opposed to the columns of a table. */
import { parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import type { LabelRules } from "../../../schema/dcgm/label-rules.ts";
import type { RowFault } from "../../../schema/dcgm/row.ts";
import { RowIdentities } from "../../../schema/dcgm/row-identities.ts";
import type { RowTarget } from "../port.ts";

/** How many are remembered; then all are forgotten, and asked for again. */
const MAX_REMEMBERED = 100_000;
const FIXED = ["timestamp", "__name__", "value", "labels_raw"] as const;
const NO_LABELS: ReadonlySet<string> = new Set([...FIXED, "metric_name"]);

export class SeriesSlots {
  readonly #rules: LabelRules;
  readonly #known = new Map<string, number | RowFault>();

  constructor(rules: LabelRules) {
    this.#rules = rules;
  }

  /** Returns what was remembered under the key. */
  get(key: string): number | RowFault | undefined {
    return this.#known.get(key);
  }

  /** Asks the target for the slot of a series, and remembers it, or why the series has none. */
  learn(
    target: RowTarget,
    key: string,
    metric: string,
    labels: Iterable<readonly [name: string, value: string]>,
  ): number | RowFault {
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    const slot = this.#ask(target, metric, new Map(labels));
    this.#known.set(key, slot);
    return slot;
  }

  /** Remembers why the series of this key has no slot. */
  refuse(key: string, fault: RowFault): RowFault {
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    this.#known.set(key, fault);
    return fault;
  }

  #ask(target: RowTarget, metric: string, labels: ReadonlyMap<string, string>): number | RowFault {
    const given = [...labels].filter(([name]) => !NO_LABELS.has(name));
    const columns = parseDcgmHeader([...FIXED, ...given.map(([name]) => name)]);
    if (!columns.ok) return { reason: "labels", detail: columns.error };
    const fields = ["", metric, "", "", ...given.map(([, value]) => value)];
    const identity = new RowIdentities({ columns: columns.value, rules: this.#rules }).of(fields, target);
    if (!identity.ok) return identity.error;
    return target.slot(identity.value.facts, identity.value.series, identity.value.holders);
  }
}
