{{/*
What the schema cannot say: values that exclude or need each other.
*/}}
{{- define "gpu-telemetry.check" -}}
{{- $csv := .Values.streamer.csv -}}
{{- $sources := 0 -}}
{{- range list $csv.gzip $csv.existingConfigMap $csv.existingClaim $csv.volume -}}
{{- if . }}{{ $sources = add1 $sources }}{{ end -}}
{{- end -}}
{{- if gt (int $sources) 1 -}}
{{- fail "streamer.csv: gzip, existingConfigMap, existingClaim and volume exclude each other: set one, or none for the sample in the image" -}}
{{- end -}}
{{- with $csv.gzip -}}
{{- $packed := regexReplaceAll "\\s" . "" | b64dec -}}
{{- if not (hasPrefix "\x1f\x8b" $packed) -}}
{{- fail "streamer.csv.gzip is not a gzip file in base64: make it with `gzip -9c export.csv | base64 > export.b64` and give it with --set-file streamer.csv.gzip=export.b64" -}}
{{- end -}}
{{- /* Helm keeps values and manifests of a release in one Secret, and neither packs any further. */ -}}
{{- if gt (len $packed) 368640 -}}
{{- fail (printf "streamer.csv.gzip has %d bytes packed: through Helm, which keeps the whole release in a Secret of 1 MiB, go 368640 at most. Up to 1 MiB: `kubectl create configmap my-csv --from-file=export.csv.gz` and streamer.csv.existingConfigMap=my-csv. More: streamer.csv.existingClaim or streamer.csv.volume" (len $packed)) -}}
{{- end -}}
{{- end -}}

{{- $redis := .Values.redis -}}
{{- if and $redis.enabled $redis.external.addr -}}
{{- fail "redis.enabled and redis.external.addr are both set: set redis.enabled=false to use the external one" -}}
{{- else if not (or $redis.enabled $redis.external.addr) -}}
{{- fail "there is no Redis: set redis.enabled=true, or redis.external.addr to host:port of yours" -}}
{{- end -}}
{{- $mongodb := .Values.mongodb -}}
{{- $external := or $mongodb.external.uri $mongodb.external.existingSecret -}}
{{- if and $mongodb.enabled $external -}}
{{- fail "mongodb.enabled and mongodb.external are both set: set mongodb.enabled=false to use the external one" -}}
{{- else if not (or $mongodb.enabled $external) -}}
{{- fail "there is no MongoDB: set mongodb.enabled=true, or mongodb.external.existingSecret to a Secret whose key `uri` is its connection string" -}}
{{- else if and $mongodb.external.uri $mongodb.external.existingSecret -}}
{{- fail "mongodb.external.uri and mongodb.external.existingSecret are both set: set one" -}}
{{- end -}}

{{- range $name, $component := include "gpu-telemetry.components" . | fromYaml -}}
{{- $values := get $.Values $component.values -}}
{{- if and (dig "autoscaling" "enabled" false $values) (dig "keda" "enabled" false $values) -}}
{{- fail (printf "%s.autoscaling and %s.keda are both enabled: one of them can decide how many pods there are" $component.values $component.values) -}}
{{- end -}}
{{- with $values.autoscaling -}}
{{- if lt (int .maxReplicas) (int .minReplicas) -}}
{{- fail (printf "%s.autoscaling.maxReplicas is %d: at least minReplicas (%d) is accepted" $component.values (int .maxReplicas) (int .minReplicas)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
