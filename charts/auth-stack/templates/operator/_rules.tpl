{{/* What the operator may do where stacks and consumers live. docs/security/rbac.md has a paragraph for each rule, and
tests hold both to the requests that the operator makes. */}}
{{- define "auth-stack.rules" -}}
# Watched, patched for the finalizer, and read once more before anything of it is taken away.
- apiGroups: [authstack.dev]
  resources: [authstacks]
  verbs: [get, list, watch, patch]
# Watched; they have no finalizer, because the copy goes with its owner.
- apiGroups: [authstack.dev]
  resources: [authconsumers]
  verbs: [list, watch]
# The runtime's one status write at the end of a pass.
- apiGroups: [authstack.dev]
  resources: [authstacks/status, authconsumers/status]
  verbs: [patch]
# blockOwnerDeletion in owner references, where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [authstack.dev]
  resources: [authstacks/finalizers, authconsumers/finalizers]
  verbs: [update]
# Keys, credentials, certificates and consumers' copies. RBAC cannot limit this to our own: the watch asks only for
# what carries our label, and the ValidatingAdmissionPolicy refuses writes to anything else.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, update, patch, delete]
# Their uids, which are in the tokens of consumers that authenticate as one.
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [list, watch]
# The headless Service of the members and the Service of the auth pods.
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch, create, patch]
# Volumes of the members: the first is made by mongodb/ before the StatefulSet exists, the others by the StatefulSet;
# patched to grow; deleted under deletionPolicy: Delete, and where a member gets a new volume because somebody asked for it.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch, delete]
# Reasons for conditions; the StatefulSet is OnDelete, so mongodb/ replaces its pods. Read live where one lost our label,
# and where the primary does not answer.
# Patched for one label of auth pods, which takes those that do not answer out of their Service; the
# ValidatingAdmissionPolicy refuses any other change.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch, delete]
# The members of the database.
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [list, watch, create, patch, delete]
# The auth service; read live before a pepper is made, for one that exists already must never be made again.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
# Taken away again where one replica is left.
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list, watch, create, patch, delete]
# Taken away again when spec.auth.ingress goes.
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [list, watch, create, patch]
# Events about AuthStacks and AuthConsumers; listed by the uid of a StatefulSet that cannot create its pods, which says so
# nowhere else.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [list, create, patch]
{{- end }}
