/** The OpenAPI 3.1 document: SOFA's own, completed with media types, headers, limits and problem details. */
import { type GraphQLArgument, type GraphQLSchema, isNonNullType, isObjectType } from "graphql";
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

/** The parts of SOFA's document that this module reads. */
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
      description: "Dependencies that are unavailable, by name, with the reason; only when unhealthy.",
      additionalProperties: { type: "string" },
    },
  },
  additionalProperties: false,
};

const IF_NONE_MATCH: Parameter = {
  name: "If-None-Match",
  in: "header",
  required: false,
  description: "ETag of the answer that the client has. If the answer is still the same, the status is 304.",
  schema: { type: "string" },
};

const FORMS =
  "JSON, or the form that Accept asks for: CSV (RFC 4180, with a header) or NDJSON. Without a limit, CSV and NDJSON " +
  "stream the whole list, each row once. If the list cannot be completed, the connection is cut.";

/** Returns object schemas in which every field is required. A field that is nullable in the contract may be null. */
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

/** Adds limits that the type does not express: text must not be empty, and a list has at most `MAX_METRICS` items. */
function narrow({ description: _inParameter, ...schema }: JsonSchema): JsonSchema {
  if (schema.items !== undefined) return { ...schema, maxItems: MAX_METRICS, items: narrow(schema.items) };
  return schema.type === "string" && schema.format === undefined ? { ...schema, minLength: 1 } : schema;
}

/**
 * Completes a parameter of SOFA's document with its limits and its description. SOFA's own descriptions are not used,
 * because SOFA gives all parameters of a custom scalar the description of the last one.
 * @param argument the parameter in the contract
 */
function completeParameter(
  parameter: Parameter,
  { limits, table }: RestRoute,
  argument: GraphQLArgument | undefined,
): Parameter {
  const { name, schema } = parameter;
  const description = argument?.description ?? "";
  const streamed = name === "limit" && table !== undefined ? " Without it, CSV and NDJSON contain the whole list." : "";
  const range = name === "limit" && limits ? { minimum: 1, maximum: limits.max, default: limits.default } : {};
  return {
    ...parameter,
    description: description + streamed,
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
    // The schema of one line: OpenAPI 3.1 cannot describe a sequence of values.
    [NDJSON_MEDIA]: { schema: { ...schemaRef(table.rowType), description: "The schema of each line." } },
  };
}

function completeOperation(operation: Operation, route: RestRoute, contract: GraphQLSchema): Operation {
  const field = contract.getQueryType()?.getFields()[route.field];
  const summary = field?.description ?? "";
  const complete = (parameter: Parameter) =>
    completeParameter(
      parameter,
      route,
      field?.args.find(({ name }) => name === parameter.name),
    );
  const { table } = route;
  const hasUuid = operation.parameters.some(({ name }) => name === "uuid");
  const headers = headerRefs("ETag", "Cache-Control", "Vary", ...(table === undefined ? [] : ["Link", "Note"]));
  return {
    operationId: route.field,
    summary,
    ...(table === undefined ? {} : { description: FORMS }),
    tags: ["GPUs"],
    parameters: [...operation.parameters.map(complete), IF_NONE_MATCH],
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
    summary: "Whether all dependencies are available.",
    tags: ["Health"],
    security: [],
    responses: { "200": health("Healthy"), ...answersOf(405, 500), "503": health("A dependency is unavailable") },
  },
};

export function createOpenApi(version: string): Readonly<Record<string, unknown>> {
  const contract = buildContract();
  const sofa = (createSofaRouter() as unknown as { openAPIDocument: SofaDocument }).openAPIDocument;
  const paths = REST_ROUTES.map((route) => {
    const path = route.path.replace(":uuid", "{uuid}");
    const operation = sofa.paths[path]?.get;
    if (operation === undefined) throw new Error(`SOFA's OpenAPI document has no operation GET ${path}`);
    return [REST_PATH + path, { get: completeOperation(operation, route, contract) }];
  });
  return {
    openapi: "3.1.0",
    info: {
      title: "GPU telemetry",
      version,
      description:
        "The GPUs of a fleet and their telemetry. /graphql serves the same data, and live readings. HEAD is accepted " +
        "wherever GET is, and answers with the same headers. Answers are compressed with zstd or gzip if the client " +
        "accepts it.",
    },
    security: [{}, { token: [] }],
    paths: { "/health": HEALTH_PATH, ...Object.fromEntries(paths) },
    components: {
      schemas: { ...completeObjects(sofa.components.schemas, contract), Health: HEALTH, Problem: PROBLEM },
      responses: RESPONSES,
      headers: HEADERS,
      securitySchemes: { token: { type: "http", scheme: "bearer", description: "API_TOKEN, if the server has one." } },
    },
  };
}
