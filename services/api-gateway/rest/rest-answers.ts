/** The types of REST's answers, in GraphQL's language. */

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

export const REST_ANSWERS = /* GraphQL */ `
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
