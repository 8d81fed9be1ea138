{{/*
What only the scraper's pods have: a spool, files of targets, credentials, and a service account that may read endpoints.
*/}}
{{- define "gpu-telemetry.scraperAccount" -}}
{{- include "gpu-telemetry.serviceAccount" . -}}{{- if .Values.serviceAccount.create -}}-scraper{{- end -}}
{{- end }}

{{/*
The claim of the spool, if its StatefulSet makes one. Takes $.
*/}}
{{- define "gpu-telemetry.scraperClaim" -}}
{{- include "gpu-telemetry.claim" (list . "scraper" .Values.scraper.spool.persistence) -}}
{{- end }}

{{- define "gpu-telemetry.scraperMounts" -}}
{{- $scraper := .Values.scraper -}}
- name: data
  mountPath: /spool
{{- if $scraper.files.existingConfigMap }}
- name: targets
  mountPath: /etc/targets
  readOnly: true
{{- end }}
{{- if $scraper.credentials.existingSecret }}
- name: credentials
  mountPath: /etc/scraper
  readOnly: true
{{- end }}
{{- end }}

{{- define "gpu-telemetry.scraperVolumes" -}}
{{- $scraper := .Values.scraper -}}
{{- with include "gpu-telemetry.dataVolume" $scraper.spool.persistence | trim }}
{{ . }}
{{- end }}
{{- with $scraper.files.existingConfigMap }}
- name: targets
  configMap:
    name: {{ . }}
{{- end }}
{{- with $scraper.credentials.existingSecret }}
- name: credentials
  secret:
    secretName: {{ . }}
{{- end }}
{{- end }}

{{- define "gpu-telemetry.env.scraper" -}}
{{- $ := index . 0 -}}
{{- $values := index . 1 -}}
{{- $credentials := $values.credentials -}}
{{- $files := list -}}
{{- range $values.files.names }}{{ $files = append $files (printf "/etc/targets/%s" .) }}{{ end -}}
{{- include "gpu-telemetry.variable" (list "QUEUE_SERVICE_URL" "http://queue-service:8080") }}
{{- include "gpu-telemetry.variable" (list "SCRAPE_KUBERNETES" $values.kubernetes) }}
{{- include "gpu-telemetry.variable" (list "SCRAPE_TARGETS" $values.targets) }}
{{- include "gpu-telemetry.variable" (list "SCRAPE_FILE_SD" $files) }}
{{- include "gpu-telemetry.variable" (list "SCRAPE_HTTP_SD" $values.http.urls) }}
{{- include "gpu-telemetry.variable" (list "SCRAPE_HTTP_SD_INTERVAL" $values.http.interval) }}
{{- include "gpu-telemetry.variable" (list "SCRAPE_INTERVAL" $values.interval) }}
{{- include "gpu-telemetry.variable" (list "SCRAPE_TIMEOUT" $values.timeout) }}
{{- include "gpu-telemetry.variable" (list "SCRAPE_MAX_BYTES" $values.maxBytes) }}
{{- include "gpu-telemetry.variable" (list "SCRAPE_MAX_SAMPLES" $values.maxSamples) }}
{{- include "gpu-telemetry.variable" (list "SCRAPE_USERNAME" $credentials.username) }}
{{- range $variable, $key := dict "SCRAPE_PASSWORD_FILE" $credentials.passwordKey "SCRAPE_TOKEN_FILE" $credentials.tokenKey "SCRAPE_TLS_CA_FILE" $credentials.caKey "SCRAPE_TLS_CERT_FILE" $credentials.certificateKey "SCRAPE_TLS_KEY_FILE" $credentials.privateKeyKey }}
{{- if $key }}
{{- include "gpu-telemetry.variable" (list $variable (printf "/etc/scraper/%s" $key)) }}
{{- end }}
{{- end }}
{{- include "gpu-telemetry.variable" (list "SCRAPE_TLS_INSECURE" $values.tlsInsecure) }}
{{- include "gpu-telemetry.variable" (list "LABEL_CLASSES" $.Values.streamer.labelClasses) }}
{{- include "gpu-telemetry.variable" (list "EXPORTER_PODS" $.Values.streamer.exporterPods) }}
{{- include "gpu-telemetry.variable" (list "MAX_SERIES_PER_METRIC" $.Values.streamer.maxSeriesPerMetric) }}
{{- include "gpu-telemetry.variable" (list "FORMAT" (include "gpu-telemetry.format" $)) }}
{{- include "gpu-telemetry.variable" (list "SPOOL_PATH" "/spool") }}
{{- include "gpu-telemetry.variable" (list "SPOOL_MAX_BYTES" $values.spool.maxBytes) }}
{{- /* The scraper takes the number at the end of the pod's name. */}}
- name: SCRAPE_SHARD
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- include "gpu-telemetry.variable" (list "SCRAPE_SHARDS" $values.replicas) }}
{{- end }}
