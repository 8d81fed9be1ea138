/** Reads the points of `ExportMetricsServiceRequest` in JSON. Unknown fields are passed over. */
import { Malformed } from "../wire/malformed.ts";
import { type Attributes, CUMULATIVE, msOf, NO_RECORDED_VALUE, type Point } from "./points.ts";

type Json = Readonly<Record<string, unknown>>;

const damaged = (what: string, cause?: unknown): Malformed =>
  new Malformed(`body must be ExportMetricsServiceRequest in JSON, got damaged ${what}`, { cause });

function objectOf(given: unknown, what: string): Json {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) return given as Json;
  throw damaged(what);
}

/** An absent list is empty. */
function listOf(given: unknown, what: string): readonly Json[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given)) throw damaged(what);
  return given.map((item) => objectOf(item, what));
}

function attributesOf(given: unknown): Attributes {
  return new Map(
    listOf(given, "attributes").map(({ key, value }) => {
      const { stringValue, intValue, doubleValue, boolValue } = objectOf(value ?? {}, "attributes");
      return [String(key), String(stringValue ?? intValue ?? doubleValue ?? boolValue ?? "")];
    }),
  );
}

/** Numbers of 64 bits are texts, and may be numbers. */
function bigIntOf(given: unknown): bigint {
  if (given === undefined) return 0n;
  const text = String(given);
  if (!/^-?\d{1,20}$/.test(text)) throw damaged("numbers");
  return BigInt(text);
}

const KINDS = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"] as const;

function kindOf(name: (typeof KINDS)[number], { aggregationTemporality }: Json): Point["kind"] {
  if (name === "gauge") return "gauge";
  if (name !== "sum") return "other";
  const isCumulative =
    aggregationTemporality === CUMULATIVE || aggregationTemporality === "AGGREGATION_TEMPORALITY_CUMULATIVE";
  return isCumulative ? "cumulative" : "delta";
}

function pointOf({ attributes, timeUnixNano, asDouble, asInt, flags }: Json) {
  return {
    attributes: attributesOf(attributes),
    at: msOf(bigIntOf(timeUnixNano)),
    value: asDouble === undefined ? (asInt === undefined ? Number.NaN : Number(bigIntOf(asInt))) : Number(asDouble),
    isStale: Number(flags ?? 0) % 2 === NO_RECORDED_VALUE,
  };
}

/** @throws Malformed */
export function* readJsonPoints(bytes: Uint8Array): Generator<Point> {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw damaged("JSON", cause);
  }
  for (const { resource, scopeMetrics } of listOf(objectOf(body, "JSON").resourceMetrics, "resourceMetrics")) {
    const resourceAttributes = attributesOf(objectOf(resource ?? {}, "resource").attributes);
    for (const { metrics } of listOf(scopeMetrics, "scopeMetrics")) {
      for (const metric of listOf(metrics, "metrics")) yield* pointsOf(metric, resourceAttributes);
    }
  }
}

function* pointsOf(metric: Json, resource: Attributes): Generator<Point> {
  for (const name of KINDS) {
    if (metric[name] === undefined) continue;
    const data = objectOf(metric[name], name);
    const kind = kindOf(name, data);
    for (const point of listOf(data.dataPoints, "dataPoints")) {
      yield { metric: String(metric.name), kind, resource, ...pointOf(point) };
    }
  }
}
