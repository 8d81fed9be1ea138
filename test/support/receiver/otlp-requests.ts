/** Builds the bodies of OTLP requests, in protobuf and JSON. */
import { ProtobufWriter } from "./protobuf-writer.ts";

export interface SentPoint {
  readonly name: string;
  readonly kind?: "gauge" | "cumulative" | "delta" | "histogram";
  readonly attributes?: Readonly<Record<string, string>>;
  readonly at: number;
  readonly value: number;
  readonly isInteger?: boolean;
  readonly flags?: number;
}

type Attributes = Readonly<Record<string, string>>;

const pair = (name: string, value: string) =>
  new ProtobufWriter().bytes(1, name).bytes(2, new ProtobufWriter().bytes(1, value));

const nanoseconds = (at: number): bigint => BigInt(at) * 1_000_000n;

function protobufMetric({ name, kind = "gauge", attributes = {}, at, value, isInteger, flags = 0 }: SentPoint) {
  const point = new ProtobufWriter();
  for (const one of Object.entries(attributes)) point.bytes(7, pair(...one));
  point.fixed64(3, nanoseconds(at));
  if (isInteger) point.fixed64(6, BigInt.asUintN(64, BigInt(value)));
  else point.double(4, value);
  point.number(8, flags);
  const data = new ProtobufWriter().bytes(1, point);
  if (kind === "cumulative" || kind === "delta") data.number(2, kind === "delta" ? 1 : 2).number(3, 1);
  return new ProtobufWriter().bytes(1, name).bytes(kind === "gauge" ? 5 : kind === "histogram" ? 9 : 7, data);
}

export function otlpProtobuf(points: readonly SentPoint[], resource: Attributes = {}): Uint8Array {
  const attributes = new ProtobufWriter();
  for (const one of Object.entries(resource)) attributes.bytes(1, pair(...one));
  const scope = new ProtobufWriter();
  for (const point of points) scope.bytes(2, protobufMetric(point));
  return new ProtobufWriter().bytes(1, new ProtobufWriter().bytes(1, attributes).bytes(2, scope)).take();
}

const jsonPairs = (attributes: Attributes) =>
  Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));

function jsonMetric({ name, kind = "gauge", attributes = {}, at, value, isInteger, flags = 0 }: SentPoint) {
  const number = isInteger ? { asInt: String(value) } : { asDouble: value };
  const dataPoints = [
    { attributes: jsonPairs(attributes), timeUnixNano: String(nanoseconds(at)), flags, ...number, exemplars: [] },
  ];
  if (kind === "gauge" || kind === "histogram") return { name, unit: "1", [kind]: { dataPoints } };
  return { name, sum: { dataPoints, aggregationTemporality: kind === "delta" ? 1 : 2, isMonotonic: true } };
}

export function otlpJson(points: readonly SentPoint[], resource: Attributes = {}): Uint8Array {
  const scopeMetrics = [{ scope: { name: "test" }, metrics: points.map(jsonMetric) }];
  const request = { resourceMetrics: [{ resource: { attributes: jsonPairs(resource) }, scopeMetrics }] };
  return new TextEncoder().encode(JSON.stringify(request));
}
