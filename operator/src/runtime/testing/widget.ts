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

export const configMapKind: Kind<KubernetesObject & { readonly data?: Readonly<Record<string, string>> }> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
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

export async function installWidgets(api: ApiServer): Promise<void> {
  const any = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: any, status: any } } },
        },
      ],
    },
  };
  await api.kubectl(['apply', '-f', '-'], JSON.stringify(crd));
  await api.kubectl(['wait', '--for=condition=Established', 'crd/widgets.example.com', '--timeout=30s']);
}
