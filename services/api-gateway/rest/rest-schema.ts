/** The snake_case schema of REST, in GraphQL's language. */
import { REST_ANSWERS } from "./rest-answers.ts";

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

  ${REST_ANSWERS}
`;
