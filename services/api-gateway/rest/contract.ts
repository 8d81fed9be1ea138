/**
 * REST as a contract: a snake_case schema that nothing executes, from which SOFA makes routes and OpenAPI, and per
 * route the prepared query that answers it.
 */
import { buildSchema, type DocumentNode, type GraphQLSchema, isObjectType, parse } from "graphql";
import { GPU_PAGE, type PageLimits, READING_PAGE } from "../../../schema/model/page.ts";
import { CSV_MEDIA, JSON_MEDIA, type Media, NDJSON_MEDIA, type Row } from "./rows.ts";

export const REST_PATH = "/api/v1";

const READING_FIELDS = /* GraphQL */ `
    "The series: the metric, and in braces the labels that tell readings of one GPU apart."
    metric_name: String!
    "In the unit of the metric catalogue."
    value: Float!
    "Time at the source, UTC."
    timestamp: DateTime!
`;

const CONTRACT = /* GraphQL */ `
  scalar DateTime

  type Query {
    "GPUs, ordered by host, then index as a number. An answer may be 100 ms old."
    gpus(
      "Only GPUs of this host."
      hostname: String
      "Only GPUs now held by this namespace."
      namespace: String
      "Only GPUs of this model."
      model: String
      "How many at most."
      limit: Int
      "The next of the page before."
      after: String
    ): GpuPage
    "One GPU."
    gpu("As NVML prints it: GPU-… or MIG-…" uuid: ID!): GpuDetails
    "Readings of one GPU, newest first."
    gpu_telemetry(
      "As NVML prints it: GPU-… or MIG-…"
      uuid: ID!
      "RFC 3339, inclusive."
      start_time: DateTime
      "RFC 3339, inclusive."
      end_time: DateTime
      "Metric name or alias; may be repeated. A metric means all its series."
      metric: [String!]
      "How many at most."
      limit: Int
      "The next of the page before."
      after: String
    ): GpuTelemetry
  }

  type GpuPage {
    gpus: [Gpu!]!
    "All that match, whatever the limit."
    total: Int!
    "Pass it as after for the next page; null when this was the last."
    next: String
  }

  type Gpu {
    "As NVML prints it: GPU-… or MIG-…"
    uuid: String!
    "Device name on its host: nvidia0 …"
    device_id: String!
    "Index on its host: 0 …"
    gpu_index: String!
    model_name: String!
    hostname: String!
    container: String
    pod: String
    namespace: String
  }

  type GpuDetails {
    "As NVML prints it: GPU-… or MIG-…"
    uuid: String!
    "Device name on its host: nvidia0 …"
    device_id: String!
    "Index on its host: 0 …"
    gpu_index: String!
    model_name: String!
    hostname: String!
    container: String
    pod: String
    namespace: String
    driver_version: String
    "Time of its first reading."
    first_seen: DateTime!
    "Time of its newest reading."
    last_seen: DateTime!
  }

  type GpuTelemetry {
    gpu_uuid: String!
    telemetry: [Reading!]!
    "Readings in this answer."
    count: Int!
    "Pass it as after for older readings; null when there are none."
    next: String
  }

  type Reading {
    ${READING_FIELDS}
  }

  "A reading that stands by itself: a line of CSV or NDJSON."
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

/** A list as rows of one type each. */
export interface RestTable {
  /** Of the contract; its fields are the columns. */
  readonly rowType: string;
  /** Of one page: a value of the contract's type. */
  rows(page: Row): readonly Row[];
}

export interface RestRoute {
  /** Field of the contract. */
  readonly field: string;
  /** In SOFA's notation. */
  readonly path: string;
  /** Each route needs one subgraph alone, so nothing is planned. */
  readonly subgraph: "inventory" | "telemetry";
  readonly query: DocumentNode;
  readonly limits: PageLimits | null;
  /** Whether an answer of a moment ago will do: large, the same for all who ask, and slow to change. */
  readonly recent: boolean;
  /** Absent: it is no list, so JSON is its only form. */
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

/** What an answer can be written as; the first is what callers get who do not ask. */
export const mediaOf = ({ table }: RestRoute): readonly Media[] =>
  table === undefined ? [JSON_MEDIA] : [JSON_MEDIA, CSV_MEDIA, NDJSON_MEDIA];

export function columnsOf({ rowType }: RestTable, contract: GraphQLSchema): readonly string[] {
  const type = contract.getType(rowType);
  return isObjectType(type) ? Object.keys(type.getFields()) : [];
}
