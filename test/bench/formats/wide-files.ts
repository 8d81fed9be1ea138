/** A wide frame, as Grafana downloads joined series. */
import { BY_TICK, type FileFormat } from "./format.ts";
import { labelsOf, type Row } from "./rows.ts";

/** Labels that a series keeps when its pod changes. */
const LASTING: ReadonlySet<string> = new Set(["UUID", "GPU_I_ID", "Hostname", "gpu", "modelName"]);

const lastingSeries = (row: Row): string => {
  const labels = labelsOf(row).filter(([name]) => LASTING.has(name));
  return `${row.metric}{${labels.map(([name, value]) => `${name}=""${value}""`).join()}}`;
};

const keyOf = ({ metric, fields, labels }: Row): string =>
  `${metric} ${fields[4]} ${/GPU_I_ID="\d+"/.exec(labels)?.[0]}`;

/** Writes a file; each has a header of its own, so a file needs a new one. */
export function createWideFrame(): FileFormat {
  const columns = new Map<string, number>();
  return {
    title: "wide frame, a column per series",
    file: "fleet.csv",
    together: BY_TICK,
    part(rows, index) {
      let text = "";
      if (index === 0) {
        const first = rows.filter(({ ms }) => ms === rows[0]!.ms);
        for (const row of first) columns.set(keyOf(row), columns.size);
        text += `Time,${first.map((row) => `"${lastingSeries(row)}"`).join()}\n`;
      }
      for (const [ms, ofTick] of Map.groupBy(rows, (row) => row.ms)) {
        const cells = new Array<string>(columns.size).fill("");
        for (const row of ofTick) cells[columns.get(keyOf(row))!] = row.value;
        text += `${ms},${cells.join()}\n`;
      }
      return { text, readings: rows.length };
    },
  };
}
