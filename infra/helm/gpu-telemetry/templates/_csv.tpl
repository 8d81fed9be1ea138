{{/*
The source of the streamer's data: "image" (the sample), "configMap" or "volume".
*/}}
{{- define "gpu-telemetry.csvSource" -}}
{{- $csv := .Values.streamer.csv -}}
{{- if or $csv.gzip $csv.existingConfigMap -}}configMap
{{- else if or $csv.existingClaim $csv.volume -}}volume
{{- else -}}image{{- end -}}
{{- end }}

{{/*
CSV_PATH; empty for the default of the image, its sample. A mounted source is read as a directory.
*/}}
{{- define "gpu-telemetry.csvPath" -}}
{{- $csv := .Values.streamer.csv -}}
{{- if $csv.path -}}{{- $csv.path -}}
{{- else if ne (include "gpu-telemetry.csvSource" .) "image" -}}/data{{- end -}}
{{- end }}

{{- define "gpu-telemetry.csvVolume" -}}
{{- $csv := .Values.streamer.csv -}}
{{- if eq (include "gpu-telemetry.csvSource" .) "configMap" -}}
configMap:
  name: {{ $csv.existingConfigMap | default "streamer-csv" }}
{{- else if $csv.existingClaim -}}
persistentVolumeClaim:
  claimName: {{ $csv.existingClaim }}
  readOnly: true
{{- else -}}
{{- toYaml $csv.volume -}}
{{- end -}}
{{- end }}
