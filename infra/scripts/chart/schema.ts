/** Generates the schema of the chart's values. It is closed, so that a misspelt name is refused, not ignored. */
import type { ChartValue } from "./values.ts";

type Schema = Record<string, unknown>;

const closed = (properties: Schema): Schema => ({ type: "object", additionalProperties: false, properties });
const any = { type: "object" };
const strings = { type: "object", additionalProperties: { type: "string" } };
const objects = { type: "array", items: any };
const port = { type: "integer", minimum: 1, maximum: 65535 };
const quantity = { type: ["string", "number"], pattern: "^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$" };
const quantities = closed({ cpu: quantity, memory: quantity, "ephemeral-storage": quantity });

/** Schemas that several values share, by the name to which `$ref` in values.yaml refers. */
const SHARED: Schema = {
  strings,
  objects,
  ports: { type: "array", items: port },
  duration: { type: "string", pattern: "^(0|[0-9]+(\\.[0-9]+)?(ms|s|m|h|d))$" },
  size: { type: ["string", "integer"], pattern: "^[0-9]+(B|KiB|MiB|GiB)?$" },
  resources: closed({ requests: quantities, limits: quantities }),
  autoscaling: closed({
    enabled: { type: "boolean" },
    minReplicas: { type: "integer", minimum: 1 },
    maxReplicas: { type: "integer", minimum: 1 },
    targetCPUUtilizationPercentage: { type: "integer", minimum: 1 },
    behavior: any,
  }),
  pod: closed({
    annotations: strings,
    labels: strings,
    priorityClassName: { type: "string" },
    nodeSelector: strings,
    tolerations: objects,
    affinity: any,
    topologySpreadConstraints: objects,
    env: { type: "array", items: { ...any, required: ["name"], properties: { name: { type: "string" } } } },
  }),
};

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function schemaOf({ path, value, description, schema, members }: ChartValue): Schema {
  const about = description === "" ? {} : { description };
  if (members !== null) return { ...about, ...closedOver(members) };
  if (schema !== null && "$ref" in schema) return { ...about, ...schema };
  const type = typeOf(value);
  const isOpen = type === "object" || type === "array";
  if (isOpen && schema === null)
    throw new Error(`${path.join(".")} must have a comment # @schema that says what it may hold`);
  return { ...about, type, ...schema };
}

const closedOver = (values: readonly ChartValue[]): Schema =>
  closed(Object.fromEntries(values.map((value) => [value.path.at(-1), schemaOf(value)])));

export const printSchema = (values: readonly ChartValue[]): string =>
  `${JSON.stringify({ $schema: "http://json-schema.org/draft-07/schema#", ...closedOver(values), $defs: SHARED }, null, 2)}\n`;
