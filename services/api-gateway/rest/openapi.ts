/** The OpenAPI 3.1 document: what SOFA makes of the contract, and what it leaves out. */
import { type GraphQLSchema, isNonNullType, isObjectType } from "graphql";
import { MAX_METRICS } from "../../../schema/model/arguments.ts";
import { buildContract, columnsOf, REST_PATH, REST_ROUTES, type RestRoute } from "./contract.ts";
import { answersOf, HEADERS, headerRefs, type JsonSchema, PROBLEM, RESPONSES, schemaRef } from "./openapi-answers.ts";
import { CSV_MEDIA, JSON_MEDIA, NDJSON_MEDIA } from "./rows.ts";
import { createSofaRouter } from "./sofa.ts";

interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description?: string;
  schema: JsonSchema;
}

interface Operation {
  operationId: string;
  summary?: string;
  description?: string;
  tags: string[];
  parameters: Parameter[];
  responses: Record<string, unknown>;
}

/** The part of SOFA's document that is used. */
interface SofaDocument {
  paths: Record<string, { get: Operation }>;
  components: { schemas: Record<string, JsonSchema> };
}

const HEALTH: JsonSchema = {
  type: "object",
  required: ["status", "timestamp"],
  properties: {
    status: { type: "string", enum: ["healthy", "unhealthy"] },
    timestamp: { type: "string", format: "date-time" },
    dependencies: {
      type: "object",
      description: "What is away, by name; only when unhealthy.",
      additionalProperties: { type: "string" },
    },
  },
  additionalProperties: false,
};

const IF_NONE_MATCH: Parameter = {
  name: "If-None-Match",
  in: "header",
  required: false,
  description: "ETag of the answer that the client has: 304 when it would be the same.",
  schema: { type: "string" },
};

const FORMS =
  "JSON, or what Accept asks for: CSV (RFC 4180, with a header) or NDJSON. Without a limit these two are a stream of " +
  "the whole list, each row once; when it cannot be told to its end, the connection is cut.";

/** Every field is always there; what is unknown is null. */
function completeObjects(schemas: Record<string, JsonSchema>, contract: GraphQLSchema): Record<string, JsonSchema> {
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
    const { description } = schema;
    complete[name] = {
      type: "object",
      ...(description === undefined ? {} : { description }),
      required: Object.keys(properties),
      properties,
      additionalProperties: false,
    };
  }
  return complete;
}

/** What is refused beyond the type: empty text, and more than fits. */
function narrow({ description: _told, ...schema }: JsonSchema): JsonSchema {
  if (schema.items !== undefined) return { ...schema, maxItems: MAX_METRICS, items: narrow(schema.items) };
  return schema.type === "string" && schema.format === undefined ? { ...schema, minLength: 1 } : schema;
}

function completeParameter(parameter: Parameter, { limits, table }: RestRoute): Parameter {
  const { name, schema } = parameter;
  const told = parameter.description ?? schema.description;
  const streamed = name === "limit" && table !== undefined ? " As CSV or NDJSON: all when not given." : "";
  const range = name === "limit" && limits ? { minimum: 1, maximum: limits.max, default: limits.default } : {};
  return {
    ...parameter,
    ...(told === undefined ? {} : { description: told + streamed }),
    schema: { ...narrow(schema), ...range },
  };
}

function contentOf({ table, field }: RestRoute, contract: GraphQLSchema) {
  const whole = String(contract.getQueryType()?.getFields()[field]?.type);
  const json = { [JSON_MEDIA]: { schema: schemaRef(whole) } };
  if (table === undefined) return json;
  const columns = columnsOf(table, contract).join(",");
  return {
    ...json,
    [CSV_MEDIA]: { schema: { type: "string", description: `First line: ${columns}`, example: `${columns}\r\n` } },
    // Of one line, as OpenAPI 3.1 has no words for a sequence of values.
    [NDJSON_MEDIA]: { schema: { ...schemaRef(table.rowType), description: "Each line by itself." } },
  };
}

function completeOperation(operation: Operation, route: RestRoute, contract: GraphQLSchema): Operation {
  const summary = contract.getQueryType()?.getFields()[route.field]?.description ?? "";
  const { table } = route;
  const hasUuid = operation.parameters.some(({ name }) => name === "uuid");
  const headers = headerRefs("ETag", "Cache-Control", "Vary", ...(table === undefined ? [] : ["Link"]));
  return {
    operationId: route.field,
    summary,
    ...(table === undefined ? {} : { description: FORMS }),
    tags: ["GPUs"],
    parameters: [...operation.parameters.map((parameter) => completeParameter(parameter, route)), IF_NONE_MATCH],
    responses: {
      "200": { description: summary, headers, content: contentOf(route, contract) },
      ...answersOf(304, 400, 401, ...(hasUuid ? [404] : []), 405, 406, 421, 429, 500, 503),
    },
  };
}

const health = (description: string) => ({
  description,
  headers: headerRefs("Cache-Control"),
  content: { [JSON_MEDIA]: { schema: schemaRef("Health") } },
});

const HEALTH_PATH = {
  get: {
    operationId: "health",
    summary: "Whether everything that answers depend on is there.",
    tags: ["Health"],
    security: [],
    responses: { "200": health("Healthy"), ...answersOf(405, 500), "503": health("A dependency is away") },
  },
};

export function createOpenApi(version: string): Readonly<Record<string, unknown>> {
  const contract = buildContract();
  const sofa = (createSofaRouter() as unknown as { openAPIDocument: SofaDocument }).openAPIDocument;
  const paths = REST_ROUTES.map((route) => {
    const path = route.path.replace(":uuid", "{uuid}");
    const operation = sofa.paths[path]?.get;
    if (operation === undefined) throw new Error(`SOFA describes no ${path}`);
    return [REST_PATH + path, { get: completeOperation(operation, route, contract) }];
  });
  return {
    openapi: "3.1.0",
    info: {
      title: "GPU telemetry",
      version,
      description:
        "GPUs of a fleet and what they measure. The same data, and live readings, are at /graphql. " +
        "HEAD is possible wherever GET is, with the same headers. Answers are packed with zstd or gzip for who accepts that.",
    },
    security: [{}, { token: [] }],
    paths: { "/health": HEALTH_PATH, ...Object.fromEntries(paths) },
    components: {
      schemas: { ...completeObjects(sofa.components.schemas, contract), Health: HEALTH, Problem: PROBLEM },
      responses: RESPONSES,
      headers: HEADERS,
      securitySchemes: { token: { type: "http", scheme: "bearer", description: "API_TOKEN, when one is set." } },
    },
  };
}
