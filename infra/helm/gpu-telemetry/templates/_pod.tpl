{{/*
The `pod` values of a component as YAML, merged over those for all components: (list $ values). Annotations and labels
of both apply.
*/}}
{{- define "gpu-telemetry.podValues" -}}
{{- toYaml (merge (deepCopy ((index . 1).pod | default dict)) (index . 0).Values.pod) -}}
{{- end }}

{{/*
Fields that all pod specs share, those of the databases included. They meet the restricted pod security standard:
(list $ pod uid), or (list $ pod uid serviceAccount true) for a pod that needs a token of the API server.
*/}}
{{- define "gpu-telemetry.pod" -}}
{{- $ := index . 0 -}}
{{- $pod := index . 1 -}}
{{- $uid := int64 (index . 2) -}}
serviceAccountName: {{ if gt (len .) 3 }}{{ index . 3 }}{{ else }}{{ include "gpu-telemetry.serviceAccount" $ }}{{ end }}
automountServiceAccountToken: {{ if gt (len .) 4 }}{{ index . 4 }}{{ else }}false{{ end }}
{{- /* With links, a Service named `api` in the namespace would set API_PORT=tcp://… in every container. */}}
enableServiceLinks: false
{{- with $.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ $uid }}
  runAsGroup: {{ $uid }}
  fsGroup: {{ $uid }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with $pod.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $pod.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $pod.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "gpu-telemetry.serviceAccount" -}}
{{- .Values.serviceAccount.name | default .Chart.Name -}}
{{- end }}

{{/*
Security context of every container.
*/}}
{{- define "gpu-telemetry.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/*
Spreads the pods of a component over nodes and zones if possible; one node can still run all of them:
(list $ "collector" pod).
*/}}
{{- define "gpu-telemetry.spread" -}}
{{- $ := index . 0 -}}
{{- $name := index . 1 -}}
{{- $pod := index . 2 -}}
topologySpreadConstraints:
{{- if $pod.topologySpreadConstraints }}
  {{- toYaml $pod.topologySpreadConstraints | nindent 2 }}
{{- else }}
  {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - topologyKey: {{ $key }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "gpu-telemetry.selector" (list $ $name) | nindent 8 }}
  {{- end }}
{{- end }}
{{- end }}

{{/*
Liveness uses /healthz, which checks no dependency, so an outage of Redis or MongoDB restarts no service. Readiness uses
/readyz, which does.
*/}}
{{- define "gpu-telemetry.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 2
  timeoutSeconds: 5
  # Two minutes, for a node that pulls and starts everything at the same time.
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: http }
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}

{{/*
Annotations that replace pods when a Secret or ConfigMap of this release changes. Takes a dict of name → data; empty data
gets no annotation.
*/}}
{{- define "gpu-telemetry.checksums" -}}
{{- range $name, $data := . }}
{{- if $data }}
checksum/{{ $name }}: {{ sha256sum $data }}
{{- end }}
{{- end }}
{{- end }}
