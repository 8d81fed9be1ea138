/** Thirty questions to the API. The GPUs, cursors and times that they name come from earlier answers of the API. */

export interface Known {
  /** A GPU that a pod holds, if there is one. */
  readonly gpu: string;
  readonly other: string;
  readonly host: string;
  readonly namespace: string;
  readonly model: string;
  /** Cursor of the second page of GPUs, with two a page. */
  readonly nextGpus: string;
  /** Times of the GPU's newest reading and of an earlier one. */
  readonly newest: string;
  readonly earlier: string;
  /** Cursor of the second page of its readings, with three a page. */
  readonly nextReadings: string;
}

export type Question =
  | { readonly path: string; readonly accept?: string }
  | { readonly query: string; readonly variables?: object }
  | { readonly parts: string }
  | { readonly subscription: string };

const UNKNOWN = "GPU-6fd4f087-86f3-7a43-b711-4771313afc50";
const UTIL = "DCGM_FI_DEV_GPU_UTIL";
const TEMP = "DCGM_FI_DEV_GPU_TEMP";
const READING = "metricName value timestamp";
const FACTS = "uuid deviceId gpuIndex modelName hostname container pod namespace driverVersion firstSeen lastSeen";

const restQuestions = (known: Known): Readonly<Record<string, Question>> => {
  const gpu = `/api/v1/gpus/${known.gpu}`;
  const telemetry = `${gpu}/telemetry`;
  return {
    "all GPUs": { path: "/api/v1/gpus" },
    "GPUs of a host, a page": { path: `/api/v1/gpus?hostname=${known.host}&limit=2` },
    "GPUs of a namespace": { path: `/api/v1/gpus?namespace=${known.namespace}&limit=3` },
    "GPUs of a model, and of none": {
      path: `/api/v1/gpus?model=${encodeURIComponent(known.model)}&namespace=none`,
    },
    "the next page of GPUs": { path: `/api/v1/gpus?limit=2&after=${known.nextGpus}` },
    "one GPU": { path: gpu },
    "a GPU that is none": { path: `/api/v1/gpus/${UNKNOWN}` },
    "a uuid that is none": { path: "/api/v1/gpus/GPU-1" },
    "newest readings": { path: `${telemetry}?limit=3` },
    "older readings": { path: `${telemetry}?limit=3&after=${known.nextReadings}` },
    "readings of two metrics, one by an alias": { path: `${telemetry}?metric=${UTIL}&metric=gpu_temp&limit=4` },
    "readings of a window": {
      path: `${telemetry}?metric=${TEMP}&start_time=${known.earlier}&end_time=${known.newest}`,
    },
    "a window that runs backwards": {
      path: `${telemetry}?start_time=2026-01-01T00:00:00Z&end_time=2025-01-01T00:00:00Z`,
    },
    "a limit that is none": { path: "/api/v1/gpus?limit=-1" },
    "a parameter that is none": { path: `${telemetry}?metrics=${UTIL}` },
    "readings as CSV": { path: `${telemetry}?metric=${TEMP}&limit=2`, accept: "text/csv" },
    "GPUs as NDJSON": { path: "/api/v1/gpus?limit=2", accept: "application/x-ndjson" },
  };
};

const graphQuestions = (known: Known): Readonly<Record<string, Question>> => ({
  "hosts and their newest times": { query: "{ hosts { hostname gpus lastSeen } }" },
  "the catalogue": { query: "{ metrics { name unit kind } }" },
  "a join with newest readings": {
    query: `query($host: String) { gpus(filter: { hostname: $host }, limit: 2) { total next gpus { ${FACTS} latest(metrics: ["${UTIL}", "${TEMP}"]) { ${READING} } } } }`,
    variables: { host: known.host },
  },
  "a join with pages": {
    query: `{ gpus(limit: 2) { gpus { uuid telemetry(limit: 2, metrics: ["${TEMP}"]) { count next telemetry { ${READING} } } } } }`,
  },
  "who held a GPU": {
    query: `{ gpu(uuid: "${known.gpu}") { attributions { container pod namespace from to } } }`,
  },
  "GPUs by uuid, one of them unknown": {
    query: "query($uuids: [ID!]!) { gpusByUuid(uuids: $uuids) { uuid hostname latest { metricName } } }",
    variables: { uuids: [known.other, UNKNOWN, known.gpu] },
  },
  "several questions in one": {
    query: `{ a: gpu(uuid: "${known.gpu}") { ...F } b: gpuTelemetry(uuid: "${known.other}", limit: 1) { count next } queues { name ready leased delayed dead orphans counters { readings dead } } deadLetters { total } } fragment F on Gpu { __typename pod }`,
  },
  "what is slow later": {
    parts: `{ gpus(limit: 2) { total gpus { uuid ... @defer { pod latest(metrics: ["${TEMP}"]) { ${READING} } } } } }`,
  },
  "a bad argument deep in a list": { query: "{ gpus(limit: 2) { gpus { telemetry(limit: 0) { count } } } }" },
  "a field that is none": { query: "{ gpus { nope } }" },
  "a change without a token": { query: "mutation { purgeDeadLetters }" },
  "what may be asked": { query: '{ __type(name: "Query") { fields { name args { name } } } }' },
  "newest readings of a GPU, live": {
    subscription: `subscription { readings(filter: { gpus: ["${known.gpu}"], metrics: ["${TEMP}"] }) { missed readings { gpuUuid hostname metricName value timestamp } } }`,
  },
});

export const questionsAbout = (known: Known): Readonly<Record<string, Question>> => ({
  ...restQuestions(known),
  ...graphQuestions(known),
});
