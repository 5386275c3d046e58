import type { Rendered, RenderedObject } from '../support/chart.ts';
import type { Grant } from './right.ts';

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

interface Role extends RenderedObject {
  readonly rules: readonly Rule[];
}

interface Binding extends RenderedObject {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

/** Every right that the chart binds to an account, as `system:serviceaccount:namespace:name`. */
export function grantsTo(account: string, chart: readonly Rendered[]): readonly Grant[] {
  const isBinding = ({ object }: Rendered): boolean => /^(Cluster)?RoleBinding$/.test(object.kind);
  return chart.filter(isBinding).flatMap(({ object }) => {
    const { roleRef, subjects, metadata } = object as Binding;
    const isBound = subjects.some(
      ({ kind, name, namespace = '' }) =>
        kind === 'ServiceAccount' && `system:serviceaccount:${namespace}:${name}` === account,
    );
    if (!isBound) return [];
    const role = chart.find(
      ({ object: { kind, metadata: at } }) =>
        kind === roleRef.kind && at.name === roleRef.name && at.namespace === roleNamespace(roleRef, metadata),
    );
    if (!role) throw new Error(`${object.kind} ${metadata.name} binds ${roleRef.name}, which the chart does not have`);
    return rulesOf(role as Rendered<Role>, metadata.namespace);
  });
}

function roleNamespace({ kind }: Binding['roleRef'], { namespace }: Binding['metadata']): string | undefined {
  return kind === 'ClusterRole' ? undefined : namespace;
}

function rulesOf({ file, object }: Rendered<Role>, namespace: string | undefined): readonly Grant[] {
  return object.rules.flatMap(
    ({ apiGroups = [''], resources, nonResourceURLs = [], verbs, resourceNames = [] }, index) =>
      apiGroups.flatMap((apiGroup) =>
        (resources ?? nonResourceURLs).flatMap((resource) =>
          verbs.map((verb) => ({
            apiGroup,
            resource,
            verb,
            names: resourceNames,
            rule: `rule ${index + 1} of ${object.kind} ${object.metadata.name}`,
            file,
            ...(namespace !== undefined && { namespace }),
          })),
        ),
      ),
  );
}
