/** The OpenAPI 3.1 document: what SOFA makes of the contract, and what it leaves out. */
import { isNonNullType, isObjectType } from "graphql";
import { ERROR_CODES } from "../../schema/errors.ts";
import { createSofaRouter } from "./rest.ts";
import { buildContract, REST_PATH, REST_ROUTES } from "./rest-contract.ts";

interface JsonSchema {
  type?: string | string[];
  format?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean;
  minimum?: number;
  maximum?: number;
  default?: number;
  items?: JsonSchema;
  $ref?: string;
  enum?: string[];
}

interface Parameter {
  name: string;
  in: "path" | "query";
  required: boolean;
  description?: string;
  schema: JsonSchema;
}

interface Operation {
  operationId: string;
  summary?: string;
  tags: string[];
  parameters: Parameter[];
  responses: Record<string, unknown>;
}

/** The part of SOFA's document that is used. */
interface SofaDocument {
  paths: Record<string, { get: Operation }>;
  components: { schemas: Record<string, JsonSchema> };
}

const PROBLEM: JsonSchema = {
  type: "object",
  description: "RFC 9457 problem details.",
  required: ["type", "title", "status", "detail"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string", description: "What was wrong, the value, and what is accepted." },
  },
  additionalProperties: false,
};

const HEALTH: JsonSchema = {
  type: "object",
  required: ["status", "timestamp"],
  properties: {
    status: { type: "string", enum: ["healthy", "unhealthy"] },
    timestamp: { type: "string", format: "date-time" },
    dependencies: { type: "object", description: "What is away, by name; only when unhealthy." },
  },
};

const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const content = (type: string, schema: JsonSchema) => ({ content: { [type]: { schema } } });
const failure = (description: string) => ({ description, ...content("application/problem+json", ref("Problem")) });

const FAILURES: Readonly<Record<string, unknown>> = {
  "400": failure("A parameter is malformed, out of range, unknown or given twice"),
  "401": failure("A token is set, and the request does not carry it"),
  "405": failure("Only GET and HEAD are possible"),
  "429": failure(`${ERROR_CODES.overloaded.title}: see Retry-After`),
  "500": failure(ERROR_CODES.internal.title),
  "503": failure("The store is away or the query took too long: see Retry-After"),
};

/** Every field is always there; what is unknown is null. */
function completeObjects(schemas: Record<string, JsonSchema>): Record<string, JsonSchema> {
  const contract = buildContract();
  const complete: Record<string, JsonSchema> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const type = contract.getType(name);
    if (name === "Query" || !isObjectType(type)) continue;
    const properties: Record<string, JsonSchema> = {};
    for (const [field, { type: fieldType }] of Object.entries(type.getFields())) {
      const property = { ...schema.properties?.[field] };
      if (property.format === "float") property.format = "double";
      if (!isNonNullType(fieldType)) property.type = [String(property.type), "null"];
      properties[field] = property;
    }
    complete[name] = { type: "object", required: Object.keys(properties), properties, additionalProperties: false };
  }
  return complete;
}

function completeParameter(parameter: Parameter, field: string): Parameter {
  const { description, ...schema } = parameter.schema;
  const limits = REST_ROUTES.find((route) => route.field === field)?.limits;
  const range =
    parameter.name === "limit" && limits ? { minimum: 1, maximum: limits.max, default: limits.default } : {};
  return { ...parameter, ...(description === undefined ? {} : { description }), schema: { ...schema, ...range } };
}

function completeOperation(operation: Operation): Operation {
  const field = operation.operationId.replace(/_query$/, "");
  const answer = buildContract().getQueryType()?.getFields()[field];
  const description = answer?.description ?? "";
  const byUuid = operation.parameters.some(({ name }) => name === "uuid");
  return {
    operationId: field,
    summary: description,
    tags: ["GPUs"],
    parameters: operation.parameters.map((parameter) => completeParameter(parameter, field)),
    responses: {
      "200": { description, ...content("application/json", ref(String(answer?.type))) },
      ...(byUuid ? { "404": failure("No such GPU") } : {}),
      ...FAILURES,
    },
  };
}

export function createOpenApi(version: string): Readonly<Record<string, unknown>> {
  const sofa = (createSofaRouter() as unknown as { openAPIDocument: SofaDocument }).openAPIDocument;
  const paths = Object.entries(sofa.paths).map(([path, { get }]) => [
    REST_PATH + path,
    { get: completeOperation(get) },
  ]);
  return {
    openapi: "3.1.0",
    info: {
      title: "GPU telemetry",
      version,
      description: "GPUs of a fleet and what they measure. The same data, and live readings, are at /graphql.",
    },
    security: [{}, { token: [] }],
    paths: {
      "/health": {
        get: {
          operationId: "health",
          summary: "Whether everything that answers depend on is there.",
          tags: ["Health"],
          security: [],
          responses: {
            "200": { description: "Healthy", ...content("application/json", ref("Health")) },
            "503": { description: "A dependency is away", ...content("application/json", ref("Health")) },
          },
        },
      },
      ...Object.fromEntries(paths),
    },
    components: {
      schemas: { ...completeObjects(sofa.components.schemas), Health: HEALTH, Problem: PROBLEM },
      securitySchemes: { token: { type: "http", scheme: "bearer", description: "API_TOKEN, when one is set." } },
    },
  };
}
