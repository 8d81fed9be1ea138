/** Rows for tests, given by their labels and written in each of the forms that a file may have. */
import { parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import { createLabelRules, DEFAULT_LABELS, type LabelOptions } from "../../../schema/dcgm/label-rules.ts";
import type { RowFault, RowIdentity } from "../../../schema/dcgm/row.ts";
import { RowIdentities } from "../../../schema/dcgm/row-identities.ts";
import { quoted } from "./dcgm-file.ts";

export type Labels = Readonly<Record<string, string>>;

export const UUID = "GPU-6b2f0c1e-55aa-4d31-8f10-00000000c0de";

/** What a current dcgm-exporter prints for every GPU. */
export const CARD: Labels = {
  gpu: "2",
  UUID,
  pci_bus_id: "00000000:3B:00.0",
  device: "nvidia2",
  modelName: "NVIDIA L40S",
  Hostname: "rack7-n3",
  DCGM_FI_DRIVER_VERSION: "570.86.15",
};

const rawOf = (labels: Labels): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(",");

const FIXED = { gpu_id: "gpu", device: "device", uuid: "UUID", modelName: "modelName", Hostname: "Hostname" } as const;
const HELD = ["container", "pod", "namespace"] as const;

/** The header of a file and the cells of one row, without time and value. */
export type Form = (metric: string, labels: Labels) => readonly (readonly [column: string, cell: string])[];

/** The forms in which a file may have labels. They mean the same. */
export const FORMS: Readonly<Record<string, Form>> = {
  "fixed columns and labels_raw": (metric, labels) => [
    ["metric_name", metric],
    ...Object.entries(FIXED).map(([column, label]) => [column, labels[label] ?? ""] as const),
    ...HELD.map((name) => [name, labels[name] ?? ""] as const),
    ["labels_raw", rawOf(labels)],
  ],
  "labels_raw alone": (metric, labels) => [
    ["metric_name", metric],
    ["labels_raw", rawOf(labels)],
  ],
  "one column per label": (metric, labels) => [
    ["__name__", metric],
    ["rack label", "ignored"],
    // Columns of labels that other rows of the file have.
    ...["gpu", "UUID", "uuid", "Hostname", "hostname", "exported_pod", "pod", "GPU_I_ID", "xid"].flatMap((name) =>
      name in labels ? [] : [[name, ""] as const],
    ),
    ...Object.entries(labels),
  ],
};

export function identify(
  form: Form,
  metric: string,
  labels: Labels,
  options: Partial<LabelOptions> = {},
): RowIdentity | RowFault {
  const cells = [["timestamp", ""], ["value", ""], ...form(metric, labels)] as const;
  const columns = parseDcgmHeader(cells.map(([name]) => name));
  if (!columns.ok) throw new Error(columns.error);
  const rules = createLabelRules({ ...DEFAULT_LABELS, ...options });
  const identity = new RowIdentities({ columns: columns.value, rules }).of(cells.map(([, cell]) => cell));
  return identity.ok ? identity.value : identity.error;
}

/** A file of rows in one form; a row without a time is at the first second. */
export function fileOf(
  form: Form,
  rows: readonly { metric: string; labels: Labels; value: number | string; second?: number }[],
): string {
  const written = rows.map(({ metric, labels, value, second = 0 }) => [
    ["timestamp", new Date(Date.UTC(2025, 6, 18, 20, 0, second)).toISOString()] as const,
    ...form(metric, labels),
    ["value", String(value)] as const,
  ]);
  const names = [...new Set(written.flatMap((cells) => cells.map(([name]) => name)))];
  const lines = written.map((cells) => {
    const byName = new Map(cells);
    return names.map((name) => quoted(byName.get(name) ?? "")).join(",");
  });
  return [names.join(","), ...lines, ""].join("\n");
}
