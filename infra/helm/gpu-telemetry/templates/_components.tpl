{{/*
Our services as YAML: key in values.yaml, kind of workload, and the services and databases that it calls, from which the
environment and the network policies follow.
*/}}
{{- define "gpu-telemetry.components" -}}
api-gateway:
  values: apiGateway
  kind: Deployment
  calls: [inventory, telemetry, queue-service]
collector:
  values: collector
  kind: Deployment
  calls: [queue-service, redis, mongodb]
inventory:
  values: inventory
  kind: Deployment
  calls: [mongodb]
queue-service:
  values: queueService
  kind: Deployment
  calls: [redis]
scraper:
  values: scraper
  kind: StatefulSet
  calls: [queue-service]
streamer:
  values: streamer
  kind: StatefulSet
  calls: [queue-service]
telemetry:
  values: telemetry
  kind: Deployment
  calls: [redis, mongodb]
{{- end }}

{{/*
"true" if an autoscaler decides the number of pods instead of `replicas`. Takes the values of a component.
*/}}
{{- define "gpu-telemetry.isScaled" -}}
{{- if or (dig "autoscaling" "enabled" false .) (dig "keda" "enabled" false .) -}}true{{- end -}}
{{- end }}

{{/*
`replicas`, or 0 for a component that is not enabled. Takes the values of a component.
*/}}
{{- define "gpu-telemetry.replicas" -}}
{{- ternary .replicas 0 (dig "enabled" true .) -}}
{{- end }}

{{/*
The least number of pods. Takes the values of a component.
*/}}
{{- define "gpu-telemetry.leastReplicas" -}}
{{- if dig "autoscaling" "enabled" false . -}}
{{- .autoscaling.minReplicas -}}
{{- else if dig "keda" "enabled" false . -}}
{{- .keda.minReplicas -}}
{{- else -}}
{{- include "gpu-telemetry.replicas" . -}}
{{- end -}}
{{- end }}
