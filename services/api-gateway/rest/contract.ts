/**
 * The REST contract: a snake_case schema, from which SOFA generates routes and OpenAPI, and for each route the prepared
 * query that answers it. The schema itself is never executed.
 */
import { buildSchema, type DocumentNode, type GraphQLSchema, isObjectType, parse } from "graphql";
import { GPU_PAGE, type PageLimits, READING_PAGE, WORKLOAD_PAGE } from "../../../schema/model/page.ts";
import { REST_SCHEMA } from "./rest-schema.ts";
import { CSV_MEDIA, JSON_MEDIA, type Media, NDJSON_MEDIA, type Row } from "./rows.ts";

export const REST_PATH = "/api/v1";

export const buildContract = (): GraphQLSchema => buildSchema(REST_SCHEMA);

const HOLDER_FIELDS = "namespace pod container pod_uid: podUid job";

const GPU_FIELDS = /* GraphQL */ `
  uuid
  device_id: deviceId
  gpu_index: gpuIndex
  model_name: modelName
  hostname
  container
  pod
  namespace
  holders { ${HOLDER_FIELDS} }
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
      query gpus(
        $hostname: String, $model: String, $namespace: String, $pod: String, $job: String, $start_time: DateTime,
        $end_time: DateTime, $seen_within: String, $limit: Int, $after: String
      ) {
        gpus(
          filter: {
            hostname: $hostname, model: $model, namespace: $namespace, pod: $pod, job: $job,
            startTime: $start_time, endTime: $end_time, seenWithin: $seen_within
          }
          limit: $limit, after: $after
        ) {
          gpus { ${GPU_FIELDS} last_seen: lastSeen }
          total
          next
          notes
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
          instances { id profile holders { ${HOLDER_FIELDS} } }
          pci_bus_id: pciBusId
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
  {
    field: "telemetry",
    path: "/telemetry",
    subgraph: "telemetry",
    limits: READING_PAGE,
    recent: false,
    table: { rowType: "FleetReading", rows: ({ telemetry }) => telemetry as readonly Row[] },
    query: parse(/* GraphQL */ `
      query telemetry(
        $uuid: ID, $hostname: String, $model: String, $namespace: String, $pod: String, $job: String,
        $metric: [String!], $start_time: DateTime, $end_time: DateTime, $limit: Int, $after: String
      ) {
        telemetry: fleetTelemetry(
          filter: { uuid: $uuid, hostname: $hostname, model: $model, namespace: $namespace, pod: $pod, job: $job }
          startTime: $start_time, endTime: $end_time, metrics: $metric, limit: $limit, after: $after
        ) {
          telemetry {
            timestamp metric_name: metricName uuid: gpuUuid GPU_I_ID: instance hostname gpu_id: gpuIndex modelName namespace
            pod container value labels
          }
          count
          next
          notes
        }
      }
    `),
  },
  {
    field: "workloads",
    path: "/workloads",
    subgraph: "inventory",
    limits: WORKLOAD_PAGE,
    recent: false,
    table: {
      rowType: "WorkloadHold",
      rows: ({ workloads }) =>
        (workloads as readonly (Row & { holds: readonly Row[] })[]).flatMap(({ namespace, pod, job, holds }) =>
          holds.map((hold) => ({ namespace, pod, job, ...hold })),
        ),
    },
    query: parse(/* GraphQL */ `
      query workloads(
        $namespace: String, $pod: String, $job: String, $start_time: DateTime, $end_time: DateTime, $limit: Int,
        $after: String
      ) {
        workloads(
          namespace: $namespace, pod: $pod, job: $job, startTime: $start_time, endTime: $end_time, limit: $limit,
          after: $after
        ) {
          workloads {
            namespace pod job from to is_open: isOpen
            holds { gpu_uuid: gpuUuid instance container pod_uid: podUid from to is_open: isOpen }
          }
          next
          notes
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
