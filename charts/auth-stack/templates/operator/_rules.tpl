{{/* What the operator may do where stacks and consumers live. One comment per rule: which code needs it. */}}
{{- define "auth-stack.rules" -}}
# The two kinds it serves: watched, and patched for the finalizer.
- apiGroups: [authstack.dev]
  resources: [authstacks, authconsumers]
  verbs: [get, list, watch, patch, update]
# The runtime's one status write at the end of a pass.
- apiGroups: [authstack.dev]
  resources: [authstacks/status, authconsumers/status]
  verbs: [get, patch, update]
# blockOwnerDeletion in owner references, where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [authstack.dev]
  resources: [authstacks/finalizers, authconsumers/finalizers]
  verbs: [update]
# Keys, credentials, certificates and consumers' copies. RBAC cannot limit this to our own: the watch asks only for
# what carries our label, and the ValidatingAdmissionPolicy refuses writes to anything else.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, update, patch, delete]
# The headless Service of the members and the Service of the auth pods.
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
# Volumes of the members: the first is made by mongodb/ before the StatefulSet exists, the others by the StatefulSet;
# deleted only under deletionPolicy: Delete.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, delete]
# Reasons for conditions; the StatefulSet is OnDelete, so mongodb/ replaces its pods.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, delete]
# mongodb/ and auth-service/.
- apiGroups: [apps]
  resources: [statefulsets, deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [ingresses, networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
# Events about AuthStacks and AuthConsumers.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
