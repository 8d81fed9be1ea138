{{/*
The claim of a database for its volume `data`, if its StatefulSet makes one: (list $ "redis" persistence).
*/}}
{{- define "gpu-telemetry.claim" -}}
{{- $ := index . 0 -}}
{{- $persistence := index . 2 -}}
{{- if and $persistence.enabled (not $persistence.existingClaim) -}}
volumeClaimTemplates:
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata:
      name: data
      labels:
        {{- include "gpu-telemetry.selector" (list $ (index . 1)) | nindent 8 }}
    spec:
      accessModes: [ReadWriteOnce]
      {{- with $persistence.storageClass }}
      storageClassName: {{ . }}
      {{- end }}
      resources:
        requests:
          storage: {{ $persistence.size }}
{{- end -}}
{{- end }}

{{- define "gpu-telemetry.dataVolume" -}}
{{- if not .enabled }}
- name: data
  emptyDir: {}
{{- else if .existingClaim }}
- name: data
  persistentVolumeClaim:
    claimName: {{ .existingClaim }}
{{- end }}
{{- end }}

{{- define "gpu-telemetry.redisConfig" -}}
{{ .Files.Get "files/redis.conf" | trim }}
maxmemory {{ .Values.redis.maxMemory }}
{{- with .Values.redis.extraConfig }}
{{ trim . }}
{{- end }}
{{- end }}
