/** The snake_case schema of REST, in GraphQL's language. */

const READING_FIELDS = /* GraphQL */ `
    "The series: the metric and, in braces, the labels that distinguish series of the same metric on one GPU."
    metric_name: String!
    "In the unit of the metric."
    value: Float!
    "Time at the source, in UTC."
    timestamp: DateTime!
`;

const HOLDER_FIELDS = /* GraphQL */ `
    "Of the first holder: a shared GPU has several."
    container: String
    pod: String
    namespace: String
    "Who holds the GPU or one of its MIG instances now."
    holders: [Holder!]!
`;

export const REST_SCHEMA = /* GraphQL */ `
  scalar DateTime
  scalar Moment

  type Query {
    "GPUs, ordered by host, then by index as a number. An answer may be up to 100 ms old."
    gpus(
      "Only GPUs of this host."
      hostname: String
      "Only GPUs that a pod of this namespace holds."
      namespace: String
      "Only GPUs that this pod holds."
      pod: String
      "Only GPUs that this Slurm job holds."
      job: String
      "With a window, namespace, pod and job match whoever held the GPU in it, not only now. RFC 3339 with a zone, epoch seconds, or now-1h."
      start_time: Moment
      "End of the window, inclusive: RFC 3339 with a zone, epoch seconds, or now-1h."
      end_time: Moment
      "Only GPUs with a reading in this time before now: a duration from 1s to 366d, such as 15m."
      seen_within: String
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
      "Earliest time, inclusive: RFC 3339 with a zone, epoch seconds, or now-1h."
      start_time: Moment
      "Latest time, inclusive: RFC 3339 with a zone, epoch seconds, or now-1h."
      end_time: Moment
      "Metric name or alias, in any case, without DCGM_FI_DEV_ if unambiguous; may be repeated. Covers all of its series."
      metric: [String!]
      "Maximum number of readings in the answer."
      limit: Int
      "Cursor: next of the previous page."
      after: String
    ): GpuTelemetry
    "Readings of the whole fleet with their labels: GPU after GPU in the order of the inventory, each oldest first."
    telemetry(
      "Only readings of this GPU: GPU-…, MIG-… or HOST-<host>-<index>"
      uuid: ID
      "Only readings of GPUs while they were in this host."
      hostname: String
      "Only GPUs of this model."
      model: String
      "Only readings of GPUs while a pod of this namespace held them."
      namespace: String
      "Only readings of GPUs while this pod held them."
      pod: String
      "Only readings of GPUs while this Slurm job held them."
      job: String
      "Metric name or alias, in any case, without DCGM_FI_DEV_ if unambiguous; may be repeated. Covers all of its series."
      metric: [String!]
      "Earliest time, inclusive: RFC 3339 with a zone, epoch seconds, or now-1h."
      start_time: Moment
      "Latest time, inclusive: RFC 3339 with a zone, epoch seconds, or now-1h."
      end_time: Moment
      "Maximum number of readings in the answer. A page may have fewer although next is not null."
      limit: Int
      "Cursor: next of the previous page."
      after: String
    ): TelemetryPage
    "Pods and Slurm jobs that held a GPU in the window, also after they have gone, with those holds."
    workloads(
      "Only pods of this namespace."
      namespace: String
      "Only pods of this name."
      pod: String
      "Only the Slurm job with this id."
      job: String
      "Begin of the window, inclusive: RFC 3339 with a zone, epoch seconds, or now-1h."
      start_time: Moment
      "End of the window, inclusive: RFC 3339 with a zone, epoch seconds, or now-1h."
      end_time: Moment
      "Maximum number of workloads in the answer."
      limit: Int
      "Cursor: next of the previous page."
      after: String
    ): WorkloadPage
  }

  type GpuPage {
    gpus: [Gpu!]!
    "Number of GPUs that match, regardless of the limit."
    total: Int!
    "Cursor of the next page: pass it as after. null on the last page."
    next: String
    "If no GPU matches: the names of the parameters that have never been seen, with the nearest ones."
    notes: [String!]!
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
    ${HOLDER_FIELDS}
    "Time of the newest reading."
    last_seen: DateTime!
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
    ${HOLDER_FIELDS}
    instances: [Instance!]!
    pci_bus_id: String
    driver_version: String
    "Time of the first reading."
    first_seen: DateTime!
    "Time of the newest reading."
    last_seen: DateTime!
  }

  "A pod's container, or a Slurm job. The fields of the other kind are null."
  type Holder {
    namespace: String
    pod: String
    container: String
    pod_uid: String
    "Id of a Slurm job."
    job: String
  }

  "A MIG instance."
  type Instance {
    "GPU instance id (GPU_I_ID)."
    id: String!
    "MIG profile, such as 1g.10gb."
    profile: String
    holders: [Holder!]!
  }

  type WorkloadPage {
    workloads: [Workload!]!
    "Cursor of the next page: pass it as after. null on the last page."
    next: String
    "If no workload matches: the names of the parameters that have never been seen, with the nearest ones."
    notes: [String!]!
  }

  "A pod with all its containers, or a Slurm job."
  type Workload {
    namespace: String
    pod: String
    "Id of a Slurm job."
    job: String
    "First reading of its first hold in the window."
    from: DateTime!
    "Last reading of its last hold in the window."
    to: DateTime!
    "Whether it holds a GPU by the newest readings."
    is_open: Boolean!
    holds: [Hold!]!
  }

  "A stretch of time in which a container of the pod, or the job, held a GPU or one of its MIG instances."
  type Hold {
    gpu_uuid: String!
    "MIG instance; null for the whole card."
    instance: String
    container: String
    pod_uid: String
    from: DateTime!
    to: DateTime!
    is_open: Boolean!
  }

  "A hold with its workload: one line of CSV or NDJSON."
  type WorkloadHold {
    namespace: String
    pod: String
    job: String
    gpu_uuid: String!
    instance: String
    container: String
    pod_uid: String
    from: DateTime!
    to: DateTime!
    is_open: Boolean!
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

  type TelemetryPage {
    telemetry: [FleetReading!]!
    "Number of readings in this answer."
    count: Int!
    "Cursor of the next page: pass it as after. null on the last page."
    next: String
    "If no reading matches: the names of the parameters that have never been seen, with the nearest ones."
    notes: [String!]!
  }

  "A reading with its labels: one line of CSV or NDJSON. Several holders are in one cell, separated by semicolons."
  type FleetReading {
    "Time at the source, in UTC."
    timestamp: DateTime!
    metric_name: String!
    uuid: String!
    "MIG instance."
    GPU_I_ID: String
    "The host that the GPU was in."
    hostname: String
    "Index on that host."
    gpu_id: String
    modelName: String
    "Of the holders that the source named with this reading; a missing part is empty, and a semicolon in a part is escaped."
    namespace: String
    pod: String
    container: String
    "In the unit of the metric."
    value: Float!
    "Further labels, in Prometheus notation."
    labels: String
  }

  "A reading with its GPU: one line of CSV or NDJSON."
  type GpuReading {
    gpu_uuid: String!
    ${READING_FIELDS}
  }
`;
