/** Builds the bodies of remote write requests, 1.0 and 2.0. */
import { ProtobufWriter } from "./protobuf-writer.ts";

/** The NaN that ends a series, little-endian: it would lose its bits as a number. */
export const STALE = Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f);

export interface SentSample {
  readonly at: number;
  readonly value: number | Uint8Array;
}

export interface SentSeries {
  readonly labels: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  readonly samples?: readonly SentSample[];
  readonly histograms?: number;
  readonly exemplars?: number;
}

const pairsOf = ({ labels }: SentSeries): readonly (readonly [string, string])[] =>
  Array.isArray(labels) ? labels : Object.entries(labels);

const sampleOf = ({ at, value }: SentSample) => new ProtobufWriter().double(1, value).number(2, at);

/** Bytes of `prometheus.WriteRequest`. */
export function writeRequest(series: readonly SentSeries[]): Uint8Array {
  const request = new ProtobufWriter();
  for (const one of series) {
    const message = new ProtobufWriter();
    for (const [name, value] of pairsOf(one)) message.bytes(1, new ProtobufWriter().bytes(1, name).bytes(2, value));
    for (const sample of one.samples ?? []) message.bytes(2, sampleOf(sample));
    for (let count = 0; count < (one.exemplars ?? 0); count++) message.bytes(3, new ProtobufWriter().double(2, 1));
    for (let count = 0; count < (one.histograms ?? 0); count++) message.bytes(4, new ProtobufWriter().number(1, 1));
    request.bytes(1, message);
  }
  return request.take();
}

/** Bytes of `io.prometheus.write.v2.Request`. */
export function requestV2(series: readonly SentSeries[]): Uint8Array {
  const refs = new Map([["", 0]]);
  const refOf = (text: string): number => {
    const ref = refs.get(text) ?? refs.size;
    refs.set(text, ref);
    return ref;
  };
  const messages = series.map((one) => {
    const packed = new ProtobufWriter();
    for (const [name, value] of pairsOf(one)) packed.varint(refOf(name)).varint(refOf(value));
    const message = new ProtobufWriter().bytes(1, packed);
    for (const sample of one.samples ?? []) message.bytes(2, sampleOf(sample));
    for (let count = 0; count < (one.histograms ?? 0); count++) message.bytes(3, new ProtobufWriter().number(1, 1));
    for (let count = 0; count < (one.exemplars ?? 0); count++) message.bytes(4, new ProtobufWriter().double(2, 1));
    return message;
  });
  const request = new ProtobufWriter();
  for (const symbol of refs.keys()) request.bytes(4, symbol);
  for (const message of messages) request.bytes(5, message);
  return request.take();
}

/** The block format with literals alone, which every decoder reads. */
export function snappyLiterals(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [new ProtobufWriter().varint(bytes.byteLength).take()];
  for (let at = 0; at < bytes.byteLength; at += 65_536) {
    const piece = bytes.subarray(at, at + 65_536);
    const last = piece.byteLength - 1;
    parts.push(Uint8Array.of(61 << 2, last & 0xff, last >> 8), piece);
  }
  return new Uint8Array(Buffer.concat(parts));
}

export const GPU = "GPU-5f000001-7a1c-4b2d-9e3f-0000000000f1";
export const TEMP = "DCGM_FI_DEV_GPU_TEMP";

/** Labels as Prometheus sends those of dcgm-exporter. */
export const gpuLabels = (metric = TEMP, more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  __name__: metric,
  Hostname: "node-1",
  UUID: GPU,
  gpu: "0",
  instance: "10.0.0.1:9400",
  job: "dcgm-exporter",
  modelName: "NVIDIA H100",
  ...more,
});
