/** Forms in which files have the same readings. A form rewrites the rows of the simulated fleet. */
import { HEADER } from "../../data/csv.ts";

export interface Form {
  /** Name in the table. */
  readonly title: string;
  /** With its newline. */
  readonly header: string;
  /** Rows that a row of the simulation becomes. */
  readonly copies: number;
  /** Columns that VictoriaMetrics imports, for the parameter `format`. */
  readonly imported: string;
  /** @param fields of a row, without the quotes around them @returns its rows, each with its newline */
  write(fields: readonly string[]): string;
}

const IMPORTED = "1:time:rfc3339,2:label:metric,5:label:uuid,6:label:model,7:label:host,11:metric:dcgm";
const POD = 8;
const RAW = 11;

/** Labels that `labels_raw` has beside those in columns of their own. */
const FURTHER = ["DCGM_FI_DRIVER_VERSION", "GPU_I_ID", "GPU_I_PROFILE", "instance", "job"] as const;

const LABELS = 40;
/** Labels of a pod as Prometheus attaches them, one more than needed for rows without a pod. */
const POD_LABELS = Array.from({ length: LABELS }, (_, label) => `label_app_kubernetes_io_part_${label}=""`);

const HOLDERS = 3;

const rowOf = (fields: readonly string[]): string => `"${fields.join('","')}"\n`;

function withFortyLabels(fields: readonly string[]): string {
  const raw = fields[RAW]!;
  const missing = LABELS - raw.split('"",').length;
  const added = POD_LABELS.slice(0, missing).map((label) => `${label}${fields[6]}""`);
  return rowOf(fields.with(RAW, [raw, ...added].join(",")));
}

function withHolders(fields: readonly string[]): string {
  const [pod = "", raw = ""] = [fields[POD], fields[RAW]];
  let rows = "";
  for (let holder = 0; holder < HOLDERS; holder++) {
    const name = `${pod === "" ? "batch" : pod}-${holder}`;
    const labels = `${raw.replace(/,pod=""[^"]*""/, "")},pod=""${name}"",vgpu=""${holder}""`;
    rows += rowOf(fields.with(POD, name).with(RAW, labels));
  }
  return rows;
}

export const FORMS = {
  usual: { title: "the usual columns", header: HEADER, copies: 1, imported: IMPORTED, write: rowOf },
  columns: {
    title: "one column per label",
    header: `timestamp,__name__,gpu,device,UUID,modelName,Hostname,container,pod,namespace,value,${FURTHER.join(",")}\n`,
    copies: 1,
    imported: IMPORTED,
    write: (fields) => {
      const further = FURTHER.map((name) => new RegExp(`${name}=""([^"]*)""`).exec(fields[RAW]!)?.[1] ?? "");
      return rowOf([...fields.slice(0, RAW), ...further]);
    },
  },
  labels: {
    title: `${LABELS} labels in labels_raw`,
    header: HEADER,
    copies: 1,
    imported: IMPORTED,
    write: withFortyLabels,
  },
  holders: {
    title: `${HOLDERS} holders per GPU`,
    header: HEADER,
    copies: HOLDERS,
    imported: `${IMPORTED},${POD + 1}:label:pod`,
    write: withHolders,
  },
} as const satisfies Record<string, Form>;

export type FormName = keyof typeof FORMS;
export const FORM_NAMES = Object.keys(FORMS) as FormName[];

/** Yields the file in this form, given the pieces of the usual one, which end with a row. */
export function* inForm(form: Form, pieces: Iterable<string>): Generator<string> {
  if (form === FORMS.usual) return yield* pieces;
  yield form.header;
  for (const piece of pieces) {
    let text = "";
    for (const row of piece.split("\n")) {
      if (row !== "" && `${row}\n` !== HEADER) text += form.write(row.slice(1, -1).split('","'));
    }
    yield text;
  }
}
