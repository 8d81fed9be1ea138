/** Maps every environment variable of our services to the chart value that sets it. */
import { PROGRAMS, variablesOf } from "./program-variables.ts";

export interface ChartVariable {
  readonly name: string;
  /** Services that get the variable, sorted. */
  readonly services: readonly string[];
  /** Paths in values.yaml, the first one with the default. Empty if no value sets the variable. */
  readonly values: readonly string[];
  /** Default in words, if it is not that of the first path. */
  readonly otherwise?: string;
}

const ALL = Object.keys(PROGRAMS);
const readers = (name: string): readonly string[] => ALL.filter((program) => variablesOf(program).includes(name));

const from = (name: string, ...values: readonly string[]): ChartVariable => ({ name, services: readers(name), values });
const of = (service: string, name: string, value: string): ChartVariable => ({
  name,
  services: [service],
  values: [value],
});
const fixed = (name: string, otherwise: string, services = readers(name)): ChartVariable => ({
  name,
  services,
  values: [],
  otherwise,
});

/** All variables, in the order of the table. */
export const VARIABLES: readonly ChartVariable[] = [
  { ...from("CSV_PATH", "streamer.csv.path"), otherwise: "the sample in the image, or everything mounted at `/data`" },
  from("CSV_TIMEZONE", "streamer.csv.timezone"),
  { ...from("CSV_HOST", "streamer.csv.host"), otherwise: "the file's name" },
  from("LABEL_CLASSES", "streamer.labelClasses"),
  from("EXPORTER_PODS", "streamer.exporterPods"),
  from("MAX_SERIES_PER_METRIC", "streamer.maxSeriesPerMetric"),
  from("STREAM_INTERVAL", "streamer.interval"),
  from("LOOP_MODE", "streamer.loop"),
  from("WATCH", "streamer.watch"),
  fixed("AT_END", "`wait`: a StatefulSet restarts a container that exits"),
  of("streamer", "BATCH_SIZE", "streamer.batchSize"),
  { ...from("FORMAT", "format"), otherwise: "`2`; in an upgrade what the release has, at first `1`" },
  from("TIMESTAMPS", "streamer.timestamps"),
  fixed("STREAMER_SHARD", "the pod's name"),
  from("STREAMER_SHARDS", "streamer.replicas"),
  from("SCRAPE_KUBERNETES", "scraper.kubernetes"),
  fixed("SCRAPE_KUBERNETES_API", "`https://kubernetes.default.svc`"),
  fixed("SCRAPE_KUBERNETES_ACCOUNT", "where Kubernetes mounts the service account"),
  from("SCRAPE_TARGETS", "scraper.targets"),
  fixed("SCRAPE_FILE_SD", "`scraper.files.names` of the ConfigMap `scraper.files.existingConfigMap`"),
  from("SCRAPE_HTTP_SD", "scraper.http.urls"),
  from("SCRAPE_HTTP_SD_INTERVAL", "scraper.http.interval"),
  fixed("SCRAPE_SHARD", "the pod's name"),
  from("SCRAPE_SHARDS", "scraper.replicas"),
  from("SCRAPE_INTERVAL", "scraper.interval"),
  from("SCRAPE_TIMEOUT", "scraper.timeout"),
  from("SCRAPE_MAX_BYTES", "scraper.maxBytes"),
  from("SCRAPE_MAX_SAMPLES", "scraper.maxSamples"),
  from("SCRAPE_USERNAME", "scraper.credentials.username"),
  fixed("SCRAPE_PASSWORD_FILE", "`scraper.credentials.passwordKey` of the Secret `scraper.credentials.existingSecret`"),
  fixed("SCRAPE_TOKEN_FILE", "`scraper.credentials.tokenKey` of that Secret"),
  fixed("SCRAPE_TLS_CA_FILE", "`scraper.credentials.caKey` of that Secret"),
  fixed("SCRAPE_TLS_CERT_FILE", "`scraper.credentials.certificateKey` of that Secret"),
  fixed("SCRAPE_TLS_KEY_FILE", "`scraper.credentials.privateKeyKey` of that Secret"),
  from("SCRAPE_TLS_INSECURE", "scraper.tlsInsecure"),
  fixed("SPOOL_PATH", "`/spool`"),
  from("SPOOL_MAX_BYTES", "scraper.spool.maxBytes"),
  fixed("QUEUE_SERVICE_URL", "`http://queue-service:8080`"),
  from("QUEUE_PARTITIONS", "queueService.partitions"),
  from("QUEUE_MAX_BYTES", "queueService.maxBytes"),
  from("QUEUE_MAX_DELIVERIES", "queueService.maxDeliveries"),
  from("QUEUE_LEASE", "queueService.lease"),
  { ...from("REDIS_ADDR", "redis.external.addr"), otherwise: "`redis:6379`, the server in the release" },
  from("REDIS_MODE", "redis.external.mode"),
  from("REDIS_SENTINEL_NAME", "redis.external.sentinelName"),
  from("REDIS_USERNAME", "redis.external.username"),
  {
    ...from("REDIS_PASSWORD", "redis.auth.password", "redis.auth.existingSecret", "redis.external.existingSecret"),
    otherwise: "random",
  },
  from("REDIS_DB", "redis.external.db"),
  from("REDIS_TLS", "redis.external.tls"),
  {
    ...from("MONGODB_URI", "mongodb.external.uri", "mongodb.external.existingSecret", "mongodb.auth.existingSecret"),
    otherwise: "the server in the release, with a random password",
  },
  from("MONGODB_DATABASE", "mongodb.database"),
  from("MONGODB_POOL_SIZE", "mongodb.poolSize"),
  fixed("SQLITE_PATH", "not set: pods share no disk"),
  of("collector", "RETENTION", "collector.retention"),
  from("MAX_CONCURRENT_HANDLERS", "collector.maxConcurrentHandlers"),
  of("collector", "BATCH_SIZE", "collector.batchSize"),
  fixed("INVENTORY_URL", "`http://inventory:8080/graphql`"),
  fixed("TELEMETRY_URL", "`http://telemetry:8080/graphql`"),
  fixed("PIPELINE_URL", "`http://queue-service:8080/graphql`"),
  from("API_TOKEN", "auth.apiToken", "auth.existingSecret"),
  from("ADMIN_TOKEN", "auth.adminToken", "auth.existingSecret"),
  { ...from("INTERNAL_TOKEN", "auth.internalToken", "auth.existingSecret"), otherwise: "random" },
  from("CORS_ORIGINS", "apiGateway.corsOrigins"),
  {
    ...from("ALLOWED_HOSTS", "apiGateway.allowedHosts", "ingress.hosts", "httpRoute.hostnames"),
    otherwise: "`api-gateway.NAMESPACE`",
  },
  from("INTROSPECTION", "apiGateway.introspection"),
  from("GRAPHIQL", "apiGateway.graphiql"),
  from("RATE_LIMIT", "apiGateway.rateLimit"),
  from("TRUSTED_PROXIES", "apiGateway.trustedProxies"),
  from("QUERY_TIMEOUT", "apiGateway.queryTimeout"),
  of("api-gateway", "MAX_SUBSCRIPTIONS", "apiGateway.maxSubscriptions"),
  of("telemetry", "MAX_SUBSCRIPTIONS", "telemetry.maxSubscriptions"),
  fixed("PORT", "`8080`, set by the image"),
  fixed("API_PORT", "not set"),
  fixed("HOST", "`0.0.0.0`, set by the image"),
  from("LOG_LEVEL", "log.level"),
  from("LOG_FORMAT", "log.format"),
];
