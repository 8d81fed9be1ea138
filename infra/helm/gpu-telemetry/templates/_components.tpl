{{/*
Our services, as YAML: the key of each in values.yaml, whom it calls (environment, network policies) and how it runs.
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
"true" when something else than `replicas` decides how many pods a component has. Takes its values.
*/}}
{{- define "gpu-telemetry.isScaled" -}}
{{- if or (dig "autoscaling" "enabled" false .) (dig "keda" "enabled" false .) -}}true{{- end -}}
{{- end }}

{{/*
Pods that a component has at the least. Takes its values.
*/}}
{{- define "gpu-telemetry.leastReplicas" -}}
{{- if dig "autoscaling" "enabled" false . -}}
{{- .autoscaling.minReplicas -}}
{{- else if dig "keda" "enabled" false . -}}
{{- .keda.minReplicas -}}
{{- else -}}
{{- .replicas -}}
{{- end -}}
{{- end }}
