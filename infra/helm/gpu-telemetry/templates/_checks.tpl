{{/*
Checks that the schema cannot express: values that exclude or require each other.
*/}}
{{- define "gpu-telemetry.check" -}}
{{- $csv := .Values.streamer.csv -}}
{{- $sources := 0 -}}
{{- range list $csv.gzip $csv.existingConfigMap $csv.existingClaim $csv.volume -}}
{{- if . }}{{ $sources = add1 $sources }}{{ end -}}
{{- end -}}
{{- if gt (int $sources) 1 -}}
{{- fail "streamer.csv must have at most one of gzip, existingConfigMap, existingClaim and volume; with none, the sample in the image is used" -}}
{{- end -}}
{{- with $csv.gzip -}}
{{- $packed := regexReplaceAll "\\s" . "" | b64dec -}}
{{- if not (hasPrefix "\x1f\x8b" $packed) -}}
{{- fail "streamer.csv.gzip must be a gzip file in base64: create it by `gzip -9c export.csv | base64 > export.b64` and pass it as --set-file streamer.csv.gzip=export.b64" -}}
{{- end -}}
{{- /* Helm stores values and manifests of a release in one Secret: it holds the data twice, already compressed. */ -}}
{{- if gt (len $packed) 368640 -}}
{{- fail (printf "streamer.csv.gzip must be at most 368640 bytes compressed, because Helm keeps the release in a Secret of 1 MiB, got %d. Up to 1 MiB: `kubectl create configmap my-csv --from-file=export.csv.gz` and streamer.csv.existingConfigMap=my-csv. More: streamer.csv.existingClaim or streamer.csv.volume" (len $packed)) -}}
{{- end -}}
{{- end -}}

{{- $scraper := .Values.scraper -}}
{{- if and $scraper.enabled (ne (include "gpu-telemetry.format" .) "2") -}}
{{- fail "scraper.enabled needs format=2, because scrapes have marks that version 1 cannot hold: upgrade all pods to this version first, then set both" -}}
{{- end -}}
{{- if and $scraper.files.names (not $scraper.files.existingConfigMap) -}}
{{- fail "scraper.files.existingConfigMap must be the ConfigMap with the lists in scraper.files.names, got an empty value" -}}
{{- end -}}
{{- $keys := list $scraper.credentials.passwordKey $scraper.credentials.tokenKey $scraper.credentials.caKey $scraper.credentials.certificateKey $scraper.credentials.privateKeyKey | compact -}}
{{- if and $keys (not $scraper.credentials.existingSecret) -}}
{{- fail (printf "scraper.credentials.existingSecret must be the Secret with the keys %s, got an empty value" (join ", " $keys)) -}}
{{- end -}}

{{- $redis := .Values.redis -}}
{{- if and $redis.enabled $redis.external.addr -}}
{{- fail "redis.external.addr must be empty while redis.enabled is true: set redis.enabled=false to use your own Redis" -}}
{{- else if not (or $redis.enabled $redis.external.addr) -}}
{{- fail "redis.external.addr must be host:port of your own Redis while redis.enabled is false, got an empty value" -}}
{{- end -}}
{{- $mongodb := .Values.mongodb -}}
{{- $external := or $mongodb.external.uri $mongodb.external.existingSecret -}}
{{- if and $mongodb.enabled $external -}}
{{- fail "mongodb.external must be empty while mongodb.enabled is true: set mongodb.enabled=false to use your own MongoDB" -}}
{{- else if not (or $mongodb.enabled $external) -}}
{{- fail "mongodb.external.existingSecret must be a Secret with the connection string of your own MongoDB as key `uri` while mongodb.enabled is false, got an empty value" -}}
{{- else if and $mongodb.external.uri $mongodb.external.existingSecret -}}
{{- fail "mongodb.external must have one of uri and existingSecret, got both" -}}
{{- end -}}

{{- range $name, $component := include "gpu-telemetry.components" . | fromYaml -}}
{{- $values := get $.Values $component.values -}}
{{- if and (dig "autoscaling" "enabled" false $values) (dig "keda" "enabled" false $values) -}}
{{- fail (printf "%s must have at most one of autoscaling and keda enabled, got both" $component.values) -}}
{{- end -}}
{{- with $values.autoscaling -}}
{{- if lt (int .maxReplicas) (int .minReplicas) -}}
{{- fail (printf "%s.autoscaling.maxReplicas must be at least minReplicas (%d), got %d" $component.values (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
