/** Reads remote write 2.0: `io.prometheus.write.v2.Request`, whose series refer to a table of symbols. */
import type { Intake } from "../series/intake.ts";
import type { LabelList } from "../series/label-list.ts";
import { Malformed } from "../wire/malformed.ts";
import { BYTES, ProtobufReader, VARINT } from "../wire/protobuf.ts";
import { readSample } from "./write-request.ts";

const NAME = "__name__";
const SYMBOLS = 4;
const SERIES = 5;
const LABELS_REFS = 1;
const SAMPLES = 2;
const HISTOGRAMS = 3;
const EXEMPLARS = 4;
/** A request of 2,000 series with 30 labels each has at most 120,000. */
const MAX_SYMBOLS = 1_000_000;
/** A series has far fewer labels than this; `checkLabels` states the limit. */
const MAX_REFS = 2048;

/** The texts of a request, decoded when they are first asked for. */
class Symbols {
  readonly #reader: ProtobufReader;
  readonly #places: number[] = [];
  readonly #texts: (string | undefined)[] = [];
  /** Texts with their lengths in front of them. */
  readonly #keys: (string | undefined)[] = [];

  constructor(reader: ProtobufReader) {
    this.#reader = reader;
  }

  add(from: number, end: number): void {
    if (this.#places.length >= 2 * MAX_SYMBOLS) throw new Malformed(`request must have at most ${MAX_SYMBOLS} symbols`);
    this.#places.push(from, end);
  }

  has(ref: number): boolean {
    return ref * 2 < this.#places.length;
  }

  text(ref: number): string {
    const [from = 0, end = 0] = [this.#places[2 * ref], this.#places[2 * ref + 1]];
    this.#texts[ref] ??= this.#reader.bytes.toString("utf8", from, end);
    return this.#texts[ref];
  }

  key(ref: number): string {
    const text = this.text(ref);
    this.#keys[ref] ??= `${text.length}:${text}`;
    return this.#keys[ref];
  }
}

/** Hands the series over one by one. @throws Malformed */
export function* readRequestV2(bytes: Uint8Array, intake: Intake): Generator<undefined> {
  const reader = new ProtobufReader(bytes);
  const end = bytes.length;
  const symbols = new Symbols(reader);
  while (reader.next(end)) {
    if (reader.field === SYMBOLS) {
      reader.expect(BYTES);
      const after = reader.length(end);
      symbols.add(reader.at, after);
      reader.at = after;
    } else reader.skip(end);
  }
  yield;
  reader.at = 0;
  while (reader.next(end)) {
    if (reader.field !== SERIES) {
      reader.skip(end);
      continue;
    }
    reader.expect(BYTES);
    const seriesEnd = reader.length(end);
    takeSeries(reader, seriesEnd, symbols, intake);
    reader.at = seriesEnd;
    yield;
  }
}

function readRefs(reader: ProtobufReader, end: number, refs: number[]): void {
  // A list of numbers may be packed or not.
  if (reader.type !== VARINT) reader.expect(BYTES);
  const listEnd = reader.type === VARINT ? undefined : reader.length(end);
  do {
    if (listEnd !== undefined && reader.at === listEnd) return;
    if (refs.length >= MAX_REFS) throw new Malformed(`series must have at most ${MAX_REFS} references to symbols`);
    refs.push(reader.varint(listEnd ?? end));
  } while (listEnd !== undefined);
}

interface SeriesParts {
  readonly refs: readonly number[];
  /** Pairs of begin and end. */
  readonly samples: readonly number[];
  readonly histograms: number;
  readonly exemplars: number;
}

function readSeries(reader: ProtobufReader, end: number): SeriesParts {
  const refs: number[] = [];
  const samples: number[] = [];
  let histograms = 0;
  let exemplars = 0;
  while (reader.next(end)) {
    if (reader.field === LABELS_REFS) {
      readRefs(reader, end, refs);
      continue;
    }
    if (reader.field < SAMPLES || reader.field > EXEMPLARS) {
      reader.skip(end);
      continue;
    }
    reader.expect(BYTES);
    const partEnd = reader.length(end);
    if (reader.field === SAMPLES) samples.push(reader.at, partEnd);
    else if (reader.field === HISTOGRAMS) histograms++;
    else exemplars++;
    reader.at = partEnd;
  }
  return { refs, samples, histograms, exemplars };
}

/** Returns what is wrong with references, in words. */
function faultOf(refs: readonly number[], symbols: Symbols): string | undefined {
  if (refs.length % 2 !== 0) return "labels_refs must be pairs, got an odd number";
  const unknown = refs.find((ref) => !symbols.has(ref));
  return unknown === undefined ? undefined : `labels_refs must refer to symbols of the request, got ${unknown}`;
}

function takeSeries(reader: ProtobufReader, end: number, symbols: Symbols, intake: Intake): void {
  const { refs, samples, histograms, exemplars } = readSeries(reader, end);
  const fault = faultOf(refs, symbols);
  if (fault !== undefined) {
    intake.reject(fault);
    return;
  }
  const known = intake.series(
    nameOf(refs, symbols),
    () => `2${refs.map((ref) => symbols.key(ref)).join("")}`,
    () => labelsOf(refs, symbols),
  );
  for (let at = 0; at < samples.length; at += 2) {
    reader.at = samples[at] as number;
    intake.sample(known, readSample(reader, samples[at + 1] as number));
  }
  for (let count = 0; count < histograms; count++) intake.other(known, "histogram");
  for (let count = 0; count < exemplars; count++) intake.other(known, "exemplar");
}

function labelsOf(refs: readonly number[], symbols: Symbols): LabelList {
  const labels: [string, string][] = [];
  for (let at = 0; at < refs.length; at += 2) {
    labels.push([symbols.text(refs[at] as number), symbols.text(refs[at + 1] as number)]);
  }
  return labels;
}

function nameOf(refs: readonly number[], symbols: Symbols): string | undefined {
  for (let at = 0; at < refs.length; at += 2) {
    if (symbols.text(refs[at] as number) === NAME) return symbols.text(refs[at + 1] as number);
  }
  return undefined;
}
