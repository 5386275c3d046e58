import type { ApiServer } from '../../../../test/support/api-server.ts';
import type { Condition, Kind, KubernetesObject } from '../objects.ts';

/** A custom resource to try the runtime with. */
export interface Widget extends KubernetesObject {
  readonly spec: { readonly size: number };
  readonly status?: { readonly conditions?: readonly Condition[]; readonly size?: number };
}

export const widgetKind: Kind<Widget> = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
};

export function aWidget(name: string, size: number = 1): Widget {
  return {
    apiVersion: widgetKind.apiVersion,
    kind: 'Widget',
    metadata: { name, namespace: 'default' },
    spec: { size },
  };
}

export function installWidgets(api: ApiServer): Promise<void> {
  return installKind(api, widgetKind);
}

/** A CustomResourceDefinition with a status, and a schema that allows anything. */
export async function installKind(api: ApiServer, { apiVersion, kind, plural }: Kind): Promise<void> {
  const [group = '', version = ''] = apiVersion.split('/');
  const any = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const name = `${plural}.${group}`;
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: any, status: any } } },
        },
      ],
    },
  };
  await api.kubectl(['apply', '-f', '-'], JSON.stringify(crd));
  await api.kubectl(['wait', '--for=condition=Established', `crd/${name}`, '--timeout=30s']);
}
