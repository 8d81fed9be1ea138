{{/*
A secret value: from values.yaml, or from the Secret in the cluster, or random. It is the same everywhere in one render:
(list $ holder "field" secret key).
*/}}
{{- define "gpu-telemetry.kept" -}}
{{- $ := index . 0 -}}
{{- $holder := index . 1 -}}
{{- $field := index . 2 -}}
{{- if not (get $holder $field) -}}
{{- $data := (lookup "v1" "Secret" $.Release.Namespace (index . 3)).data | default dict -}}
{{- $_ := set $holder $field (get $data (index . 4) | b64dec | default (randAlphaNum 48)) -}}
{{- end -}}
{{- get $holder $field -}}
{{- end }}

{{- define "gpu-telemetry.authSecret" -}}
{{- .Values.auth.existingSecret | default .Chart.Name -}}
{{- end }}

{{- define "gpu-telemetry.internalTokenKey" -}}
{{- ternary .Values.auth.existingSecretKeys.internalToken "internal-token" (ne .Values.auth.existingSecret "") -}}
{{- end }}

{{/*
Keys of the tokens that the API requires; empty if it requires none.
*/}}
{{- define "gpu-telemetry.apiTokenKey" -}}
{{- if .Values.auth.existingSecret -}}{{- .Values.auth.existingSecretKeys.apiToken -}}
{{- else if .Values.auth.apiToken -}}api-token{{- end -}}
{{- end }}
{{- define "gpu-telemetry.adminTokenKey" -}}
{{- if .Values.auth.existingSecret -}}{{- .Values.auth.existingSecretKeys.adminToken -}}
{{- else if .Values.auth.adminToken -}}admin-token{{- end -}}
{{- end }}

{{/*
The Secret and key of Redis' password; empty if Redis has none.
*/}}
{{- define "gpu-telemetry.redisSecret" -}}
{{- if .Values.redis.enabled -}}{{- .Values.redis.auth.existingSecret | default "redis" -}}
{{- else -}}{{- .Values.redis.external.existingSecret -}}{{- end -}}
{{- end }}
{{- define "gpu-telemetry.redisPasswordKey" -}}
{{- if not .Values.redis.enabled -}}{{- .Values.redis.external.passwordKey -}}
{{- else if .Values.redis.auth.existingSecret -}}{{- .Values.redis.auth.passwordKey -}}
{{- else -}}password{{- end -}}
{{- end }}

{{/*
The Secret and key of MongoDB's connection string, which contains the password.
*/}}
{{- define "gpu-telemetry.mongodbSecret" -}}
{{- if .Values.mongodb.enabled -}}{{- .Values.mongodb.auth.existingSecret | default "mongodb" -}}
{{- else -}}{{- .Values.mongodb.external.existingSecret | default "mongodb" -}}{{- end -}}
{{- end }}
{{- define "gpu-telemetry.mongodbUriKey" -}}
{{- if and (not .Values.mongodb.enabled) .Values.mongodb.external.existingSecret -}}{{- .Values.mongodb.external.uriKey -}}
{{- else -}}uri{{- end -}}
{{- end }}

{{/*
The data of the Secrets that the chart creates, also used for the checksums that replace pods.
*/}}
{{- define "gpu-telemetry.authData" -}}
{{- if not .Values.auth.existingSecret -}}
internal-token: {{ include "gpu-telemetry.kept" (list $ .Values.auth "internalToken" (include "gpu-telemetry.authSecret" $) "internal-token") | quote }}
{{- with .Values.auth.apiToken }}
api-token: {{ . | quote }}
{{- end }}
{{- with .Values.auth.adminToken }}
admin-token: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "gpu-telemetry.redisData" -}}
{{- if and .Values.redis.enabled (not .Values.redis.auth.existingSecret) -}}
password: {{ include "gpu-telemetry.kept" (list $ .Values.redis.auth "password" "redis" "password") | quote }}
{{- end }}
{{- end }}

{{- define "gpu-telemetry.mongodbData" -}}
{{- if and .Values.mongodb.enabled (not .Values.mongodb.auth.existingSecret) -}}
{{- $auth := .Values.mongodb.auth -}}
{{- $password := include "gpu-telemetry.kept" (list $ $auth "password" "mongodb" "password") -}}
root-password: {{ include "gpu-telemetry.kept" (list $ $auth "rootPassword" "mongodb" "root-password") | quote }}
password: {{ $password | quote }}
keyfile: {{ include "gpu-telemetry.kept" (list $ $auth "keyfile" "mongodb" "keyfile") | quote }}
uri: {{ printf "mongodb://telemetry:%s@mongodb:27017/%s?replicaSet=rs0" ($password | urlquery | replace "+" "%20") .Values.mongodb.database | quote }}
{{- else if and (not .Values.mongodb.enabled) .Values.mongodb.external.uri -}}
uri: {{ .Values.mongodb.external.uri | quote }}
{{- end }}
{{- end }}
