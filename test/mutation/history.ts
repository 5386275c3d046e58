import type { KubernetesObject } from '../../operator/src/runtime/objects.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * An object without what its past leaves in it by design: keys that signed stay published until their tokens have
 * expired, longer lives of tokens are remembered for as long, and how long something has been missing is a matter of
 * the clock.
 */
export function withoutHistory(object: KubernetesObject): KubernetesObject {
  switch (object.kind) {
    case 'Secret':
      return {
        ...object,
        ...withData(object as KubernetesObject & { readonly data?: Readonly<Record<string, string>> }),
      };
    case 'AuthStack':
    case 'AuthConsumer':
      return {
        ...object,
        ...{ status: withoutKeys((object as KubernetesObject & { readonly status?: Fields }).status) },
      };
    default:
      return object;
  }
}

function withData({ data = {} }: { readonly data?: Readonly<Record<string, string>> }): { readonly data: Fields } {
  const { 'lifetimes.json': _lifetimes, 'jwks.json': _jwks, 'ring.json': ring, ...rest } = data;
  return { data: ring === undefined ? rest : { ...rest, 'ring.json': btoa(JSON.stringify(signers(atob(ring)))) } };
}

/** Of the ring the keys that sign or will sign. */
function signers(ring: string): unknown {
  const { keys } = JSON.parse(ring) as {
    readonly keys: readonly { readonly phase: string; readonly algorithm: string }[];
  };
  return keys
    .filter(({ phase }) => phase !== 'retiring')
    .map(({ phase, algorithm }) => `${phase} ${algorithm}`)
    .sort();
}

interface Condition {
  readonly type: string;
}

function withoutKeys({ signingKeys: _keys, kids: _kids, conditions = [], ...status }: Fields = {}): Fields {
  return { ...status, conditions: (conditions as readonly Condition[]).filter(({ type }) => type !== 'Stalled') };
}
