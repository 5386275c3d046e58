import { parseAllDocuments } from 'yaml';
import { EXAMPLE_ORIGIN } from '../../cluster/demo.ts';
import { originOf } from './gateway.ts';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

export interface Place {
  readonly namespace: string;
  readonly image: string;
  /** False: it goes by its mounted keys alone. */
  readonly feed: boolean;
}

/** The objects of examples/orders.yaml, in another namespace and for the stack of a scenario. */
export function ordersFor(
  stack: { readonly namespace: string; readonly name: string },
  example: string,
  { namespace, image, feed }: Place,
): readonly object[] {
  const { namespace: of, name } = stack;
  const here = example.replaceAll('authstack/orders:dev', image).replaceAll(EXAMPLE_ORIGIN, originOf(stack));
  return parseAllDocuments(here)
    .map((document) => document.toJS() as Manifest)
    .filter(({ kind }) => kind !== 'Namespace')
    .map((manifest) => {
      const moved = { ...manifest, metadata: { ...manifest.metadata, namespace } };
      if (manifest.kind === 'AuthConsumer') {
        return { ...moved, spec: { ...manifest.spec, stackRef: { namespace: of, name } } };
      }
      return manifest.kind === 'Deployment' && !feed ? { ...moved, spec: withoutFeed(manifest.spec) } : moved;
    });
}

function withoutFeed(spec: Manifest['spec']): object {
  const { template } = spec as { template: { spec: { containers: readonly { env: readonly object[] }[] } } };
  const containers = template.spec.containers.map((container) => ({
    ...container,
    env: [...container.env, { name: 'ORDERS_FEED', value: 'false' }],
  }));
  return { ...spec, template: { ...template, spec: { ...template.spec, containers } } };
}
