/** Reads the points of `ExportMetricsServiceRequest` in protobuf. */
import { BYTES, FIXED64, ProtobufReader, VARINT } from "../wire/protobuf.ts";
import { type Attributes, CUMULATIVE, msOf, NO_RECORDED_VALUE, type Point } from "./points.ts";

const GAUGE = 5;
const SUM = 7;
/** Histogram, exponential histogram and summary. */
const OTHERS: readonly number[] = [9, 10, 11];

/** Reads all messages of one field number, from `reader.at`. */
function* messages(reader: ProtobufReader, end: number, numbers: readonly number[]): Generator<number> {
  while (reader.next(end)) {
    if (!numbers.includes(reader.field)) {
      reader.skip(end);
      continue;
    }
    reader.expect(BYTES);
    const after = reader.length(end);
    yield after;
    reader.at = after;
  }
}

/** @throws Malformed */
export function* readProtobufPoints(bytes: Uint8Array): Generator<Point> {
  const reader = new ProtobufReader(bytes);
  for (const resourceEnd of messages(reader, bytes.length, [1])) {
    const from = reader.at;
    const resource = new Map<string, string>();
    for (const end of messages(reader, resourceEnd, [1])) readAttributes(reader, end, 1, resource);
    reader.at = from;
    for (const scopeEnd of messages(reader, resourceEnd, [2])) {
      for (const metricEnd of messages(reader, scopeEnd, [2])) yield* readMetric(reader, metricEnd, resource);
    }
  }
}

function readAttributes(reader: ProtobufReader, end: number, field: number, attributes: Map<string, string>): void {
  for (const pairEnd of messages(reader, end, [field])) readAttribute(reader, pairEnd, attributes);
}

function readAttribute(reader: ProtobufReader, end: number, attributes: Map<string, string>): void {
  let name = "";
  let value = "";
  while (reader.next(end)) {
    if (reader.field === 1) {
      reader.expect(BYTES);
      name = reader.text(end);
    } else if (reader.field === 2) {
      reader.expect(BYTES);
      const after = reader.length(end);
      value = readValue(reader, after);
      reader.at = after;
    } else reader.skip(end);
  }
  attributes.set(name, value);
}

/** Returns the text of a scalar; lists and others count as empty. */
function readValue(reader: ProtobufReader, end: number): string {
  let value = "";
  while (reader.next(end)) {
    if (reader.field === 1 && reader.type === BYTES) value = reader.text(end);
    else if (reader.field === 2 && reader.type === VARINT) value = reader.varint(end) === 0 ? "false" : "true";
    else if (reader.field === 3 && reader.type === VARINT) value = String(reader.int64(end));
    else if (reader.field === 4 && reader.type === FIXED64) value = String(reader.double(end));
    else reader.skip(end);
  }
  return value;
}

function* readMetric(reader: ProtobufReader, end: number, resource: Attributes): Generator<Point> {
  const from = reader.at;
  let metric = "";
  for (const nameEnd of messages(reader, end, [1])) metric = reader.bytes.toString("utf8", reader.at, nameEnd);
  reader.at = from;
  for (const dataEnd of messages(reader, end, [GAUGE, SUM, ...OTHERS])) {
    const kind = reader.field === GAUGE ? "gauge" : reader.field === SUM ? temporality(reader, dataEnd) : "other";
    for (const pointEnd of messages(reader, dataEnd, [1])) {
      yield { metric, kind, resource, ...(kind === "other" ? NOTHING : readPoint(reader, pointEnd)) };
    }
  }
}

const NOTHING = { attributes: new Map<string, string>(), at: 0, value: 0, isStale: false };

/** Looks for the temporality of a sum, and returns to where the sum begins. */
function temporality(reader: ProtobufReader, end: number): "cumulative" | "delta" {
  const from = reader.at;
  let found = 0;
  while (reader.next(end)) {
    if (reader.field === 2 && reader.type === VARINT) found = reader.varint(end);
    else reader.skip(end);
  }
  reader.at = from;
  return found === CUMULATIVE ? "cumulative" : "delta";
}

function readPoint(reader: ProtobufReader, end: number): Pick<Point, "attributes" | "at" | "value" | "isStale"> {
  const attributes = new Map<string, string>();
  let at = 0;
  let value = Number.NaN;
  let flags = 0;
  while (reader.next(end)) {
    const { field, type } = reader;
    if (field === 3 && type === FIXED64) at = msOf(reader.fixed64(end));
    else if (field === 4 && type === FIXED64) value = reader.double(end);
    else if (field === 6 && type === FIXED64) value = Number(BigInt.asIntN(64, reader.fixed64(end)));
    else if (field === 8 && type === VARINT) flags = reader.varint(end);
    else if (field === 7 && type === BYTES) {
      const after = reader.length(end);
      readAttribute(reader, after, attributes);
      reader.at = after;
    } else reader.skip(end);
  }
  return { attributes, at, value, isStale: flags % 2 === NO_RECORDED_VALUE };
}
