{{/*
One variable, unless its value is empty: (list "NAME" value). YAML numbers are floats here; int64 prevents 1e+06, which
the config readers refuse.
*/}}
{{- define "gpu-telemetry.variable" -}}
{{- $value := index . 1 -}}
{{- if kindIs "slice" $value }}{{ $value = join "," $value }}{{ end -}}
{{- if kindIs "float64" $value }}{{ $value = int64 $value }}{{ end -}}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) }}
- name: {{ index . 0 }}
  value: {{ toString $value | quote }}
{{- end -}}
{{- end }}

{{/*
One variable from a Secret: (list "NAME" secret key).
*/}}
{{- define "gpu-telemetry.secretVariable" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 }}
      key: {{ index . 2 }}
{{- end }}

{{/*
The environment of a component: (list $ "collector").
*/}}
{{- define "gpu-telemetry.env" -}}
{{- $ := index . 0 -}}
{{- $name := index . 1 -}}
{{- $component := get (include "gpu-telemetry.components" $ | fromYaml) $name -}}
{{- $values := get $.Values $component.values -}}
{{- include "gpu-telemetry.variable" (list "LOG_LEVEL" $.Values.log.level) }}
{{- include "gpu-telemetry.variable" (list "LOG_FORMAT" $.Values.log.format) }}
{{ include "gpu-telemetry.secretVariable" (list "INTERNAL_TOKEN" (include "gpu-telemetry.authSecret" $) (include "gpu-telemetry.internalTokenKey" $)) }}
{{- include (printf "gpu-telemetry.env.%s" $name) (list $ $values) }}
{{- if has "redis" $component.calls }}
{{- include "gpu-telemetry.env.redis" $ }}
{{- end }}
{{- if has "mongodb" $component.calls }}
{{- include "gpu-telemetry.env.mongodb" $ }}
{{- end }}
{{- with (include "gpu-telemetry.podValues" (list $ $values) | fromYaml).env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
FORMAT: 2 in a new release. An upgrade keeps what the running streamer has, because services of the version before 2
cannot read what version 2 writes.
*/}}
{{- define "gpu-telemetry.format" -}}
{{- $format := .Values.format -}}
{{- if not $format -}}
{{- $format = ternary "1" "2" .Release.IsUpgrade -}}
{{- range (dig "spec" "template" "spec" "containers" list (lookup "apps/v1" "StatefulSet" .Release.Namespace "streamer")) -}}
{{- range .env -}}
{{- if eq .name "FORMAT" }}{{ $format = .value }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $format -}}
{{- end }}

{{- define "gpu-telemetry.env.streamer" -}}
{{- $ := index . 0 -}}
{{- $values := index . 1 -}}
{{- include "gpu-telemetry.variable" (list "QUEUE_SERVICE_URL" "http://queue-service:8080") }}
{{- include "gpu-telemetry.variable" (list "CSV_PATH" (include "gpu-telemetry.csvPath" $)) }}
{{- include "gpu-telemetry.variable" (list "CSV_TIMEZONE" $values.csv.timezone) }}
{{- include "gpu-telemetry.variable" (list "CSV_HOST" $values.csv.host) }}
{{- include "gpu-telemetry.variable" (list "LABEL_CLASSES" $values.labelClasses) }}
{{- include "gpu-telemetry.variable" (list "EXPORTER_PODS" $values.exporterPods) }}
{{- include "gpu-telemetry.variable" (list "MAX_SERIES_PER_METRIC" $values.maxSeriesPerMetric) }}
{{- include "gpu-telemetry.variable" (list "STREAM_INTERVAL" $values.interval) }}
{{- include "gpu-telemetry.variable" (list "LOOP_MODE" (and $values.loop (not $values.watch))) }}
{{- include "gpu-telemetry.variable" (list "WATCH" $values.watch) }}
{{- /* A StatefulSet restarts a container that exits. */}}
{{- include "gpu-telemetry.variable" (list "AT_END" "wait") }}
{{- include "gpu-telemetry.variable" (list "BATCH_SIZE" $values.batchSize) }}
{{- include "gpu-telemetry.variable" (list "FORMAT" (include "gpu-telemetry.format" $)) }}
{{- include "gpu-telemetry.variable" (list "TIMESTAMPS" $values.timestamps) }}
{{- /* The streamer takes the number at the end of the pod's name. */}}
- name: STREAMER_SHARD
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- include "gpu-telemetry.variable" (list "STREAMER_SHARDS" $values.replicas) }}
{{- end }}

{{- define "gpu-telemetry.env.queue-service" -}}
{{- $ := index . 0 -}}
{{- $values := index . 1 -}}
{{- include "gpu-telemetry.variable" (list "QUEUE_PARTITIONS" $values.partitions) }}
{{- include "gpu-telemetry.variable" (list "QUEUE_MAX_BYTES" $values.maxBytes) }}
{{- include "gpu-telemetry.variable" (list "QUEUE_MAX_DELIVERIES" $values.maxDeliveries) }}
{{- include "gpu-telemetry.variable" (list "QUEUE_LEASE" $values.lease) }}
{{- include "gpu-telemetry.variable" (list "QUERY_TIMEOUT" $.Values.apiGateway.queryTimeout) }}
{{- end }}

{{- define "gpu-telemetry.env.collector" -}}
{{- $ := index . 0 -}}
{{- $values := index . 1 -}}
{{- include "gpu-telemetry.variable" (list "QUEUE_SERVICE_URL" "http://queue-service:8080") }}
{{- include "gpu-telemetry.variable" (list "QUEUE_LEASE" $.Values.queueService.lease) }}
{{- include "gpu-telemetry.variable" (list "MAX_CONCURRENT_HANDLERS" $values.maxConcurrentHandlers) }}
{{- include "gpu-telemetry.variable" (list "BATCH_SIZE" $values.batchSize) }}
{{- include "gpu-telemetry.variable" (list "RETENTION" $values.retention) }}
{{- end }}

{{- define "gpu-telemetry.env.inventory" -}}
{{- $ := index . 0 -}}
{{- include "gpu-telemetry.variable" (list "QUERY_TIMEOUT" $.Values.apiGateway.queryTimeout) }}
{{- end }}

{{- define "gpu-telemetry.env.telemetry" -}}
{{- $ := index . 0 -}}
{{- include "gpu-telemetry.variable" (list "QUERY_TIMEOUT" $.Values.apiGateway.queryTimeout) }}
{{- include "gpu-telemetry.variable" (list "MAX_SUBSCRIPTIONS" (index . 1).maxSubscriptions) }}
{{- end }}

{{/*
ALLOWED_HOSTS: names outside the cluster, and the short name by which other namespaces call the API. A route without
hostnames takes those of its gateway, which the chart does not know.
*/}}
{{- define "gpu-telemetry.allowedHosts" -}}
{{- $names := .Values.apiGateway.allowedHosts -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.hostnames) (not $names) -}}
{{- $names = list "*" -}}
{{- end -}}
{{- if .Values.ingress.enabled }}{{ $names = concat $names .Values.ingress.hosts }}{{ end -}}
{{- if .Values.httpRoute.enabled }}{{ $names = concat $names .Values.httpRoute.hostnames }}{{ end -}}
{{- append $names (printf "api-gateway.%s" .Release.Namespace) | uniq | join "," -}}
{{- end }}

{{- define "gpu-telemetry.env.api-gateway" -}}
{{- $ := index . 0 -}}
{{- $values := index . 1 -}}
{{- include "gpu-telemetry.variable" (list "INVENTORY_URL" "http://inventory:8080/graphql") }}
{{- include "gpu-telemetry.variable" (list "TELEMETRY_URL" "http://telemetry:8080/graphql") }}
{{- include "gpu-telemetry.variable" (list "PIPELINE_URL" "http://queue-service:8080/graphql") }}
{{- include "gpu-telemetry.variable" (list "QUERY_TIMEOUT" $values.queryTimeout) }}
{{- include "gpu-telemetry.variable" (list "MAX_SUBSCRIPTIONS" $values.maxSubscriptions) }}
{{- include "gpu-telemetry.variable" (list "RATE_LIMIT" $values.rateLimit) }}
{{- include "gpu-telemetry.variable" (list "TRUSTED_PROXIES" $values.trustedProxies) }}
{{- include "gpu-telemetry.variable" (list "CORS_ORIGINS" $values.corsOrigins) }}
{{- include "gpu-telemetry.variable" (list "ALLOWED_HOSTS" (include "gpu-telemetry.allowedHosts" $)) }}
{{- include "gpu-telemetry.variable" (list "INTROSPECTION" $values.introspection) }}
{{- include "gpu-telemetry.variable" (list "GRAPHIQL" $values.graphiql) }}
{{- with include "gpu-telemetry.apiTokenKey" $ }}
{{ include "gpu-telemetry.secretVariable" (list "API_TOKEN" (include "gpu-telemetry.authSecret" $) .) }}
{{- end }}
{{- with include "gpu-telemetry.adminTokenKey" $ }}
{{ include "gpu-telemetry.secretVariable" (list "ADMIN_TOKEN" (include "gpu-telemetry.authSecret" $) .) }}
{{- end }}
{{- end }}

{{- define "gpu-telemetry.env.redis" -}}
{{- $redis := .Values.redis -}}
{{- if $redis.enabled }}
{{- include "gpu-telemetry.variable" (list "REDIS_ADDR" "redis:6379") }}
{{- else }}
{{- include "gpu-telemetry.variable" (list "REDIS_ADDR" $redis.external.addr) }}
{{- include "gpu-telemetry.variable" (list "REDIS_MODE" $redis.external.mode) }}
{{- include "gpu-telemetry.variable" (list "REDIS_SENTINEL_NAME" $redis.external.sentinelName) }}
{{- include "gpu-telemetry.variable" (list "REDIS_USERNAME" $redis.external.username) }}
{{- include "gpu-telemetry.variable" (list "REDIS_DB" $redis.external.db) }}
{{- include "gpu-telemetry.variable" (list "REDIS_TLS" $redis.external.tls) }}
{{- end }}
{{- with include "gpu-telemetry.redisSecret" . }}
{{ include "gpu-telemetry.secretVariable" (list "REDIS_PASSWORD" . (include "gpu-telemetry.redisPasswordKey" $)) }}
{{- end }}
{{- end }}

{{- define "gpu-telemetry.env.mongodb" }}
{{ include "gpu-telemetry.secretVariable" (list "MONGODB_URI" (include "gpu-telemetry.mongodbSecret" .) (include "gpu-telemetry.mongodbUriKey" .)) }}
{{- include "gpu-telemetry.variable" (list "MONGODB_DATABASE" .Values.mongodb.database) }}
{{- include "gpu-telemetry.variable" (list "MONGODB_POOL_SIZE" .Values.mongodb.poolSize) }}
{{- include "gpu-telemetry.variable" (list "FORMAT" (include "gpu-telemetry.format" .)) }}
{{- end }}
