{{- define "auth-stack.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "auth-stack.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "auth-stack.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "auth-stack.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Name of what is not in a namespace: two releases may share a name. */}}
{{- define "auth-stack.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "auth-stack.fullname" .) }}
{{- end }}

{{- define "auth-stack.selector" -}}
app.kubernetes.io/name: {{ include "auth-stack.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "auth-stack.labels" -}}
{{ include "auth-stack.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: authstack
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "auth-stack.serviceAccount" -}}
{{- if .Values.serviceAccount.name }}
{{- .Values.serviceAccount.name }}
{{- else if .Values.serviceAccount.create }}
{{- include "auth-stack.fullname" . }}
{{- else }}
{{- fail "serviceAccount.name: name the account to use, because serviceAccount.create is false" }}
{{- end }}
{{- end }}

{{/* Reference of an image: {image: …, context: $}. */}}
{{- define "auth-stack.image" -}}
{{- if .image.digest }}
{{- printf "%s@%s" .image.repository .image.digest }}
{{- else }}
{{- printf "%s:%s" .image.repository (default .context.Chart.AppVersion .image.tag) }}
{{- end }}
{{- end }}

{{/* Version → image; a version set to null is left out. */}}
{{- define "auth-stack.mongodbImages" -}}
{{- $images := dict }}
{{- range $version, $image := .Values.mongodb.images }}
{{- if $image }}{{- $_ := set $images $version $image }}{{- end }}
{{- end }}
{{- if not (hasKey $images .Values.mongodb.defaultVersion) }}
{{- fail (printf "mongodb.defaultVersion: %s is not in mongodb.images, which has %s" .Values.mongodb.defaultVersion (keys $images | sortAlpha | join ", ")) }}
{{- end }}
{{- toJson $images }}
{{- end }}
