{{/*
The selector of a component's pods: (list $ "collector"). Kubernetes does not let it change after the first install.
*/}}
{{- define "gpu-telemetry.selector" -}}
{{- $ := index . 0 -}}
app: {{ index . 1 }}
app.kubernetes.io/name: {{ $.Chart.Name }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/*
The selector of all pods of this release and no others. Takes $.
*/}}
{{- define "gpu-telemetry.releaseSelector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/*
Labels of an object of a component: (list $ "collector").
*/}}
{{- define "gpu-telemetry.labels" -}}
{{- $ := index . 0 -}}
{{ include "gpu-telemetry.selector" . }}
app.kubernetes.io/part-of: {{ $.Chart.Name }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with $.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
Labels of a pod: (list $ "collector" podLabels). Leaves out the version of the chart, which would replace all pods at
each upgrade.
*/}}
{{- define "gpu-telemetry.podLabels" -}}
{{- $ := index . 0 -}}
{{ include "gpu-telemetry.selector" . }}
app.kubernetes.io/part-of: {{ $.Chart.Name }}
{{- with $.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- with index . 2 }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
The address of an image: (list image defaultTag). A digest wins over the tag.
*/}}
{{- define "gpu-telemetry.image" -}}
{{- $image := index . 0 -}}
{{- $name := list $image.registry $image.repository | compact | join "/" -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default (index . 1) $image.tag) -}}
{{- end -}}
{{- end }}
