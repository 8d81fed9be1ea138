{{/*
What values say of a component's pods, as YAML: its own before those of all: (list $ values). Annotations and labels are
put together.
*/}}
{{- define "gpu-telemetry.podValues" -}}
{{- toYaml (merge (deepCopy ((index . 1).pod | default dict)) (index . 0).Values.pod) -}}
{{- end }}

{{/*
Fields of every pod spec, ours and others', that keep it in the restricted pod security standard and out of the API
server: (list $ pod uid).
*/}}
{{- define "gpu-telemetry.pod" -}}
{{- $ := index . 0 -}}
{{- $pod := index . 1 -}}
{{- $uid := int64 (index . 2) -}}
serviceAccountName: {{ include "gpu-telemetry.serviceAccount" $ }}
automountServiceAccountToken: false
{{- /* A Service called `api` in the namespace would otherwise set API_PORT=tcp://… in every container. */}}
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
Of every container.
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
Pods of a component on different nodes and zones where there are some: (list $ "collector" pod). A cluster of one node
takes them all the same.
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
/healthz never asks a dependency: a service is not restarted because Redis or MongoDB is away. /readyz does.
*/}}
{{- define "gpu-telemetry.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 2
  timeoutSeconds: 5
  # Two minutes for a node that is busy pulling and starting everything at once.
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
Annotations that replace pods when what they were started with changes; none for what this release does not hold. Takes
a dict of names and data.
*/}}
{{- define "gpu-telemetry.checksums" -}}
{{- range $name, $data := . }}
{{- if $data }}
checksum/{{ $name }}: {{ sha256sum $data }}
{{- end }}
{{- end }}
{{- end }}
