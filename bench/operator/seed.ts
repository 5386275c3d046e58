import { authConsumerKind } from '../../operator/src/api/auth-consumer.ts';
import { authStackKind } from '../../operator/src/api/auth-stack.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import { namespaceKind, secretKind } from '../../operator/src/runtime/core-kinds.ts';
import type { Kind } from '../../operator/src/runtime/objects.ts';
import { collectionPath, objectPath } from '../../operator/src/runtime/paths.ts';

const forEver = new AbortController().signal;
/** A stack per team and stage: several share a namespace. */
const STACKS_PER_NAMESPACE = 50;

export interface Ref {
  readonly namespace: string;
  readonly name: string;
}

export const stackRef = (index: number): Ref => ({
  namespace: `auth-${Math.floor(index / STACKS_PER_NAMESPACE)}`,
  name: `s${index}`,
});

export interface Span {
  readonly from: number;
  /** Not itself. */
  readonly to: number;
  /** So many at a time. */
  readonly atOnce?: number;
}

export async function forEach(
  { from, to, atOnce = 16 }: Span,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = from;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < to; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

export async function createNamespaces(client: ApiClient, names: readonly string[]): Promise<void> {
  await forEach({ from: 0, to: names.length }, (index) =>
    create(client, namespaceKind, { metadata: { name: names[index] } }),
  );
}

export async function createForeignSecrets(client: ApiClient, count: number): Promise<void> {
  await createNamespaces(client, ['foreign']);
  const text = 'x'.repeat(1_000);
  await forEach({ from: 0, to: count }, (index) => {
    const metadata = { namespace: 'foreign', name: `secret-${index}`, labels: { app: 'somebody-elses' } };
    return create(client, secretKind, { metadata, stringData: { text } });
  });
}

export async function createStacks(client: ApiClient, { from, to }: Span): Promise<void> {
  const namespaces = new Set(Array.from({ length: to - from }, (_, index) => stackRef(from + index).namespace));
  if (from % STACKS_PER_NAMESPACE !== 0) namespaces.delete(stackRef(from).namespace);
  await createNamespaces(client, [...namespaces]);
  await forEach({ from, to }, (index) => {
    const spec = {
      publicURL: `https://s${index}.example.com`,
      auth: { audience: ['bench'], ingress: { className: 'first' } },
      consumers: { allowedNamespaces: { from: 'All' } },
    };
    return create(client, authStackKind, { metadata: stackRef(index), spec });
  });
}

export const consumerRef = (index: number): Ref => ({ namespace: `consumer-${index}`, name: 'bench' });

export async function createConsumers(client: ApiClient, { from, to }: Span): Promise<void> {
  const names = Array.from({ length: to - from }, (_, index) => consumerRef(from + index).namespace);
  await createNamespaces(client, names);
  await forEach({ from, to }, (index) => {
    const spec = { stackRef: stackRef(0), secretName: 'keys', audience: 'bench' };
    return create(client, authConsumerKind, { metadata: consumerRef(index), spec });
  });
}

export async function patchStack(client: ApiClient, ref: Ref, spec: object): Promise<void> {
  const contentType = 'application/merge-patch+json';
  await client.send({
    method: 'PATCH',
    path: objectPath(authStackKind, ref),
    body: { spec },
    contentType,
    signal: forEver,
  });
}

function create(client: ApiClient, kind: Kind, object: object): Promise<unknown> {
  const { namespace } = (object as { readonly metadata: { readonly namespace?: string } }).metadata;
  const body = { apiVersion: kind.apiVersion, kind: kind.kind, ...object };
  return client.send({ method: 'POST', path: collectionPath(kind, namespace), body, signal: forEver });
}
