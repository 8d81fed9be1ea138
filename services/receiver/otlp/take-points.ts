/** Hands the points of OTLP to an intake: attributes become labels, names and units those of DCGM. */
import type { Intake } from "../series/intake.ts";
import type { LabelList } from "../series/label-list.ts";
import { meaningOf } from "./metric-names.ts";
import type { Attributes, Point } from "./points.ts";

/** Attributes of the resource that mean something; others describe the sender. */
const RESOURCE_LABELS: ReadonlyMap<string, string> = new Map([
  ["service.name", "job"],
  ["service.instance.id", "instance"],
  ["host.name", "Hostname"],
  ["k8s.node.name", "node"],
  ["k8s.cluster.name", "cluster"],
]);
/** Attributes of GPUs, on points and on the resource. */
const GPU_LABELS: ReadonlyMap<string, string> = new Map([
  ["gpu.uuid", "UUID"],
  ["gpu.number", "gpu"],
  ["gpu.model", "modelName"],
  ["hw.id", "UUID"],
  ["hw.model", "modelName"],
]);
/** Digits that are kept of a value in another unit: 0.57 of a ratio is 57 %, not 56.99999999999999. */
const DIGITS = 12;

/** A name of Prometheus, with `_` in place of characters that it does not have. */
const labelName = (attribute: string): string => attribute.replace(/[^a-zA-Z0-9_]/g, "_");

function labelsOf(metric: string, resource: Attributes, attributes: Attributes): LabelList {
  const labels = new Map([["__name__", metric]]);
  for (const [name, value] of resource) {
    const label = RESOURCE_LABELS.get(name) ?? GPU_LABELS.get(name);
    if (label !== undefined) labels.set(label, value);
  }
  // What a point says counts more than what its resource says.
  for (const [name, value] of attributes) labels.set(GPU_LABELS.get(name) ?? labelName(name), value);
  return [...labels];
}

const keyOf = (labels: LabelList): string =>
  `o${labels.map(([name, value]) => `${name.length}:${name}${value.length}:${value}`).join("")}`;

/** Takes a point at each step. */
export function* takePoints(points: Iterable<Point>, intake: Intake): Generator<undefined> {
  for (const { metric: name, kind, resource, attributes, at, value, isStale } of points) {
    const { metric, factor } = meaningOf(name, attributes);
    const labels = labelsOf(metric, resource, attributes);
    const known = intake.series(
      metric,
      () => keyOf(labels),
      () => labels,
    );
    if (known.kind === "reading" && kind === "delta") {
      intake.skip("temporality", `sum must be cumulative, got another one of ${name}`);
    } else if (kind === "other") intake.other(known, "histogram");
    else
      intake.sample(known, { at, value: factor === 1 ? value : Number((value * factor).toPrecision(DIGITS)), isStale });
    yield;
  }
}
