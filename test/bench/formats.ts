/** Measures `ingest` on a large file of each format: pace, CPU, peak memory and whether every reading is stored. */
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { simulate } from "../../data/simulation.ts";
import type { Figures } from "./figures.ts";
import { CSV_DIALECTS } from "./formats/csv-dialects.ts";
import type { FileFormat } from "./formats/format.ts";
import { NVIDIA_SMI } from "./formats/nvidia-smi-files.ts";
import { PROMETHEUS_FILES } from "./formats/prometheus-files.ts";
import { rowsOf } from "./formats/rows.ts";
import { createWideFrame } from "./formats/wide-files.ts";
import { FLEET } from "./input.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { measureIngest } from "./ours.ts";
import { count, decimal, formatTable, mebibytes } from "./table.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

export const FORMATS: readonly FileFormat[] = [...CSV_DIALECTS, createWideFrame(), ...PROMETHEUS_FILES, NVIDIA_SMI];

/** Yields a file of at least `bytes`, and counts its readings and bytes. */
export function* fileIn(format: FileFormat, bytes: number, tally: { readings: number; bytes: number }) {
  const encoded = (text = ""): Buffer => {
    const buffer = Buffer.from(text, format.encoding ?? "utf8");
    tally.bytes += buffer.length;
    return buffer;
  };
  yield encoded(format.head);
  let index = 0;
  for (const rows of rowsOf(simulate(FLEET), format.together)) {
    const { text, readings } = format.part(rows, index++);
    tally.readings += readings;
    yield encoded(text);
    if (tally.bytes >= bytes) break;
  }
  yield encoded(format.tail);
}

interface FormatFigures {
  readonly title: string;
  readonly readings: number;
  readonly bytes: number;
  readonly ours: Figures;
}

async function measureFormat(format: FileFormat, bytes: number, workspace: Workspace): Promise<FormatFigures> {
  const path = join(await workspace.folder("input"), format.file);
  const tally = { readings: 0, bytes: 0 };
  const source = Readable.from(fileIn(format, bytes, tally), { objectMode: true, highWaterMark: 1 });
  await pipeline(source, createWriteStream(path), { signal: workspace.signal });
  try {
    return { title: format.title, ...tally, ours: await measureIngest({ path, readings: tally.readings }, workspace) };
  } finally {
    await Bun.file(path).delete();
  }
}

export async function benchFormats({ bytes }: { bytes: number }, print: (text: string) => void) {
  await using workspace = await openWorkspace();
  const machine = describeMachine();
  print(`${machineLine(machine)}\n`);
  const formats: FormatFigures[] = [];
  for (const format of FORMATS) {
    const figures = await measureFormat(format, bytes, workspace);
    formats.push(figures);
    print(`${figures.title}: ${count(figures.ours.readingsPerS)} readings/s\n`);
  }
  const rows = formats.map(({ title, readings, bytes: size, ours }) => [
    title,
    mebibytes(size),
    count(readings),
    count(ours.readingsPerS),
    decimal(size / 2 ** 20 / ours.wallS, 0),
    decimal((ours.cpuS / readings) * 1e6),
    decimal(ours.peakBytes / 1e6, 0),
    decimal(ours.diskBytes / readings, 3),
  ]);
  const head = [
    "format",
    "MiB",
    "readings",
    "readings/s",
    "MiB/s",
    "CPU, µs/reading",
    "peak memory, MB",
    "disk, B/reading",
  ];
  print(`\n${formatTable([head, ...rows])}`);
  return { bench: "formats", machine, formats };
}
