{{/* What everything is called: the release, or xcron behind it if it says nothing of xcron. */}}
{{- define "xcron.name" -}}
{{- if contains "xcron" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-xcron" (.Release.Name | trunc 34 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/* What the pods of the cluster are found by; it never changes. */}}
{{- define "xcron.selector" -}}
app.kubernetes.io/name: xcron
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "xcron.labels" -}}
{{ include "xcron.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "xcron.secret" -}}
{{- default (include "xcron.name" .) .Values.secret.existing -}}
{{- end -}}

{{/* The peer addresses of the founders, as every node knows them. */}}
{{- define "xcron.founders" -}}
{{- $name := include "xcron.name" . -}}
{{- $hosts := list -}}
{{- range $n := until (int .Values.founders) -}}
{{- $hosts = append $hosts (printf "%s-%d.%s-peers.%s.svc:8899" $name $n $name $.Release.Namespace) -}}
{{- end -}}
{{- join "," $hosts -}}
{{- end -}}
