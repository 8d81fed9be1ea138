/**
 * The REST contract: a snake_case schema, from which SOFA generates routes and OpenAPI, and for each route the prepared
 * query that answers it. The schema itself is never executed.
 */
import { buildSchema, type DocumentNode, type GraphQLSchema, isObjectType, parse } from "graphql";
import { GPU_PAGE, type PageLimits, READING_PAGE } from "../../../schema/model/page.ts";
import { CSV_MEDIA, JSON_MEDIA, type Media, NDJSON_MEDIA, type Row } from "./rows.ts";

export const REST_PATH = "/api/v1";

const READING_FIELDS = /* GraphQL */ `
    "The series: the metric and, in braces, the labels that distinguish series of the same metric on one GPU."
    metric_name: String!
    "In the unit of the metric."
    value: Float!
    "Time at the source, in UTC."
    timestamp: DateTime!
`;

const CONTRACT = /* GraphQL */ `
  scalar DateTime

  type Query {
    "GPUs, ordered by host, then by index as a number. An answer may be up to 100 ms old."
    gpus(
      "Only GPUs of this host."
      hostname: String
      "Only GPUs that this namespace holds now."
      namespace: String
      "Only GPUs of this model."
      model: String
      "Maximum number of GPUs in the answer."
      limit: Int
      "Cursor: next of the previous page."
      after: String
    ): GpuPage
    "One GPU."
    gpu("Id of the GPU: GPU-…, MIG-… or HOST-<host>-<index>" uuid: ID!): GpuDetails
    "Readings of one GPU, newest first."
    gpu_telemetry(
      "Id of the GPU: GPU-…, MIG-… or HOST-<host>-<index>"
      uuid: ID!
      "Earliest time, inclusive: RFC 3339, with a zone."
      start_time: DateTime
      "Latest time, inclusive: RFC 3339, with a zone."
      end_time: DateTime
      "Metric name or alias; may be repeated. A metric covers all of its series."
      metric: [String!]
      "Maximum number of readings in the answer."
      limit: Int
      "Cursor: next of the previous page."
      after: String
    ): GpuTelemetry
  }

  type GpuPage {
    gpus: [Gpu!]!
    "Number of GPUs that match, regardless of the limit."
    total: Int!
    "Cursor of the next page: pass it as after. null on the last page."
    next: String
  }

  type Gpu {
    "Id of the GPU: GPU-…, MIG-… or HOST-<host>-<index>"
    uuid: String!
    "Device name on its host, such as nvidia0."
    device_id: String!
    "Index on its host, such as 0."
    gpu_index: String!
    model_name: String!
    hostname: String!
    container: String
    pod: String
    namespace: String
  }

  type GpuDetails {
    "Id of the GPU: GPU-…, MIG-… or HOST-<host>-<index>"
    uuid: String!
    "Device name on its host, such as nvidia0."
    device_id: String!
    "Index on its host, such as 0."
    gpu_index: String!
    model_name: String!
    hostname: String!
    container: String
    pod: String
    namespace: String
    driver_version: String
    "Time of the first reading."
    first_seen: DateTime!
    "Time of the newest reading."
    last_seen: DateTime!
  }

  type GpuTelemetry {
    gpu_uuid: String!
    telemetry: [Reading!]!
    "Number of readings in this answer."
    count: Int!
    "Cursor of older readings: pass it as after. null when there are none."
    next: String
  }

  type Reading {
    ${READING_FIELDS}
  }

  "A reading with its GPU: one line of CSV or NDJSON."
  type GpuReading {
    gpu_uuid: String!
    ${READING_FIELDS}
  }
`;

export const buildContract = (): GraphQLSchema => buildSchema(CONTRACT);

const GPU_FIELDS = /* GraphQL */ `
  uuid
  device_id: deviceId
  gpu_index: gpuIndex
  model_name: modelName
  hostname
  container
  pod
  namespace
`;

/** How a list is written as a table. */
export interface RestTable {
  /** Type of a row in the contract. Its fields are the columns. */
  readonly rowType: string;
  /** Returns the rows of one page. `page` is a value of the type that the route's field has in the contract. */
  rows(page: Row): readonly Row[];
}

export interface RestRoute {
  /** Query field of the contract. */
  readonly field: string;
  /** Path below `REST_PATH`, in SOFA's notation. */
  readonly path: string;
  /** The subgraph that answers `query`. Each route needs only one, so no query plan is made. */
  readonly subgraph: "inventory" | "telemetry";
  readonly query: DocumentNode;
  /** Accepted values of `limit`; null when the route has no pages. */
  readonly limits: PageLimits | null;
  /** Whether clients share recent answers (`recent-answers.ts`): they are large, and change slowly. */
  readonly recent: boolean;
  /** How the answer is written as CSV and NDJSON. Absent when the answer is not a list: then it is always JSON. */
  readonly table?: RestTable;
}

export const REST_ROUTES: readonly RestRoute[] = [
  {
    field: "gpus",
    path: "/gpus",
    subgraph: "inventory",
    limits: GPU_PAGE,
    recent: true,
    table: { rowType: "Gpu", rows: (page) => page.gpus as readonly Row[] },
    query: parse(/* GraphQL */ `
      query gpus($hostname: String, $namespace: String, $model: String, $limit: Int, $after: String) {
        gpus(filter: { hostname: $hostname, namespace: $namespace, model: $model }, limit: $limit, after: $after) {
          gpus { ${GPU_FIELDS} }
          total
          next
        }
      }
    `),
  },
  {
    field: "gpu",
    path: "/gpus/:uuid",
    subgraph: "inventory",
    limits: null,
    recent: false,
    query: parse(/* GraphQL */ `
      query gpu($uuid: ID!) {
        gpu(uuid: $uuid) {
          ${GPU_FIELDS}
          driver_version: driverVersion
          first_seen: firstSeen
          last_seen: lastSeen
        }
      }
    `),
  },
  {
    field: "gpu_telemetry",
    path: "/gpus/:uuid/telemetry",
    subgraph: "telemetry",
    limits: READING_PAGE,
    recent: false,
    table: {
      rowType: "GpuReading",
      rows: ({ gpu_uuid, telemetry }) => (telemetry as readonly Row[]).map((reading) => ({ gpu_uuid, ...reading })),
    },
    query: parse(/* GraphQL */ `
      query gpu_telemetry(
        $uuid: ID!, $start_time: DateTime, $end_time: DateTime, $metric: [String!], $limit: Int, $after: String
      ) {
        gpu_telemetry: gpuTelemetry(
          uuid: $uuid, startTime: $start_time, endTime: $end_time, metrics: $metric, limit: $limit, after: $after
        ) {
          gpu_uuid: gpuUuid
          telemetry { metric_name: metricName value timestamp }
          count
          next
        }
      }
    `),
  },
];

/** Media types of a route's answers. The first is the default. */
export const mediaOf = ({ table }: RestRoute): readonly Media[] =>
  table === undefined ? [JSON_MEDIA] : [JSON_MEDIA, CSV_MEDIA, NDJSON_MEDIA];

/** Column names of a table, in the order of the contract. */
export function columnsOf({ rowType }: RestTable, contract: GraphQLSchema): readonly string[] {
  const type = contract.getType(rowType);
  return isObjectType(type) ? Object.keys(type.getFields()) : [];
}
