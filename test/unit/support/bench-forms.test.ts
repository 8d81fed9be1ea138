import { expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { DEFAULT_SIMULATION, simulate } from "../../../data/simulation.ts";
import { parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import { parseLabels } from "../../../schema/dcgm/labels.ts";
import { RowIdentities } from "../../../schema/dcgm/row-identities.ts";
import { FORM_NAMES, FORMS, type FormName, inForm } from "../../bench/forms.ts";
import { usualRules } from "../../support/sources/dcgm-file.ts";

const ROWS = 200;

function identitiesIn(name: FormName) {
  const text = [...inForm(FORMS[name], simulate({ ...DEFAULT_SIMULATION, maxRows: ROWS }))].join("");
  const [header = [], ...rows] = parse(text) as string[][];
  const columns = parseDcgmHeader(header);
  if (!columns.ok) throw new Error(columns.error);
  const all = new RowIdentities({ columns: columns.value, rules: usualRules });
  const identities = rows.map((fields) => {
    const identity = all.of(fields);
    if (!identity.ok) throw new Error(identity.error.detail);
    return identity.value;
  });
  return { columns: columns.value, rows, identities };
}

test.each(FORM_NAMES)(
  "inForm() writes rows in the form %s that are about the same GPUs, series and holders",
  (name) => {
    const usual = identitiesIn("usual").identities;
    const { copies } = FORMS[name];
    const { identities } = identitiesIn(name);
    expect(identities.length).toBe(ROWS * copies);
    for (const [row, { facts, series, holders }] of identities.entries()) {
      const same = usual[Math.floor(row / copies)]!;
      expect(facts).toEqual(same.facts);
      const replica = row % copies;
      const vgpu = (other: string) => `${other.replace("}", ",")}vgpu="${replica}"}`.replace(/^(\w+)vgpu/, "$1{vgpu");
      expect(String(series)).toBe(copies === 1 ? same.series : vgpu(same.series));
      const [pod] = same.holders.flatMap((holder) => (holder.kind === "pod" ? [holder.pod] : []));
      if (copies === 1) expect(holders).toEqual(same.holders);
      else expect(holders).toMatchObject([{ pod: `${pod ?? "batch"}-${replica}` }]);
    }
  },
);

test("inForm() writes 40 labels into labels_raw", () => {
  const { columns, rows } = identitiesIn("labels");
  const counts = rows.map((fields) => {
    const labels = parseLabels(fields[columns.labels]!);
    return labels.ok ? labels.value.size : 0;
  });
  expect(new Set(counts)).toEqual(new Set([40]));
});
