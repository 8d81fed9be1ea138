/** Reads remote write 1.0: `prometheus.WriteRequest`, whose series repeat all their labels. */
import type { Intake, Sample } from "../series/intake.ts";
import type { LabelList } from "../series/label-list.ts";
import { BYTES, FIXED64, ProtobufReader, VARINT } from "../wire/protobuf.ts";

const NAME = "__name__";

/** A sample's field numbers, which both versions have in common. */
const VALUE = 1;
const TIMESTAMP = 2;

/**
 * The NaN that ends a series: https://prometheus.io/docs/specs/prw/remote_write_spec/#stale-markers. Its halves are
 * compared, because both runtimes may change the bits of a NaN that becomes a number.
 */
const STALE = { low: 2, high: 0x7ff00000 };

/** Reads a sample at `reader.at`. */
export function readSample(reader: ProtobufReader, end: number): Sample {
  const sample = { at: 0, value: 0, isStale: false };
  while (reader.next(end)) {
    if (reader.field === VALUE) {
      reader.expect(FIXED64);
      const from = reader.at;
      sample.value = reader.double(end);
      reader.at = from;
      if (Number.isNaN(sample.value)) {
        const [low, high] = reader.halves(end);
        sample.isStale = low === STALE.low && high === STALE.high;
      } else reader.at = from + 8;
    } else if (reader.field === TIMESTAMP) {
      reader.expect(VARINT);
      sample.at = reader.int64(end);
    } else reader.skip(end);
  }
  return sample;
}

/** Where the parts of a series are. */
class SeriesParts {
  /** Pairs of begin and end. */
  readonly labels: number[] = [];
  readonly samples: number[] = [];
  histograms = 0;
  exemplars = 0;
  name: string | undefined;

  clear(): void {
    this.labels.length = 0;
    this.samples.length = 0;
    this.histograms = 0;
    this.exemplars = 0;
    this.name = undefined;
  }
}

function readLabel(reader: ProtobufReader, end: number): [name: string, value: string] {
  const label: [string, string] = ["", ""];
  while (reader.next(end)) {
    if (reader.field !== 1 && reader.field !== 2) {
      reader.skip(end);
      continue;
    }
    reader.expect(BYTES);
    label[reader.field - 1] = reader.text(end);
  }
  return label;
}

/** True for the label of the name as every sender writes it: the name first. */
const startsWithName = ({ bytes }: ProtobufReader, at: number): boolean =>
  bytes[at] === 0x0a &&
  bytes[at + 1] === NAME.length &&
  bytes.toString("latin1", at + 2, at + 2 + NAME.length) === NAME;

/** Hands the series over one by one. @throws Malformed */
export function* readWriteRequest(bytes: Uint8Array, intake: Intake): Generator<undefined> {
  const reader = new ProtobufReader(bytes);
  const end = bytes.length;
  const parts = new SeriesParts();
  while (reader.next(end)) {
    if (reader.field !== 1) {
      reader.skip(end);
      continue;
    }
    reader.expect(BYTES);
    const seriesEnd = reader.length(end);
    findParts(reader, seriesEnd, parts);
    takeSeries(reader, parts, intake);
    reader.at = seriesEnd;
    yield;
  }
}

function findParts(reader: ProtobufReader, end: number, parts: SeriesParts): void {
  parts.clear();
  while (reader.next(end)) {
    const { field } = reader;
    if (field < 1 || field > 4) {
      reader.skip(end);
      continue;
    }
    reader.expect(BYTES);
    const partEnd = reader.length(end);
    const from = reader.at;
    if (field === 1) {
      parts.labels.push(from, partEnd);
      if (startsWithName(reader, from)) parts.name = readLabel(reader, partEnd)[1];
    } else if (field === 2) parts.samples.push(from, partEnd);
    else if (field === 3) parts.exemplars++;
    else parts.histograms++;
    reader.at = partEnd;
  }
}

/** Returns a text that only series with the same labels have: the bytes of the labels, and their lengths. */
function keyOf({ bytes }: ProtobufReader, labels: readonly number[]): string {
  const [first = 0] = labels;
  const last = labels.at(-1) ?? 0;
  let size = 0;
  for (let index = 0; index < labels.length; index += 2)
    size += (labels[index + 1] as number) - (labels[index] as number);
  // Labels that follow each other have only their tags and lengths between them.
  if (last - first <= size + labels.length * 3)
    return `${(labels[1] ?? 0) - first}:${bytes.toString("latin1", first, last)}`;
  let key = "scattered";
  for (let index = 0; index < labels.length; index += 2) {
    const text = bytes.toString("latin1", labels[index] as number, labels[index + 1] as number);
    key += `${text.length}:${text}`;
  }
  return key;
}

function labelsOf(reader: ProtobufReader, places: readonly number[]): LabelList {
  const labels: [string, string][] = [];
  for (let index = 0; index < places.length; index += 2) {
    reader.at = places[index] as number;
    labels.push(readLabel(reader, places[index + 1] as number));
  }
  return labels;
}

function takeSeries(reader: ProtobufReader, parts: SeriesParts, intake: Intake): void {
  const { labels, samples } = parts;
  const name = parts.name ?? labelsOf(reader, labels).find(([label]) => label === NAME)?.[1];
  const known = intake.series(
    name,
    () => keyOf(reader, labels),
    () => labelsOf(reader, labels),
  );
  for (let index = 0; index < samples.length; index += 2) {
    reader.at = samples[index] as number;
    intake.sample(known, readSample(reader, samples[index + 1] as number));
  }
  for (let count = 0; count < parts.histograms; count++) intake.other(known, "histogram");
  for (let count = 0; count < parts.exemplars; count++) intake.other(known, "exemplar");
}
