import type { KubernetesAction } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import { publishedKeys } from '../stored/jwks.ts';
import { secretOf } from '../stored/secret.ts';
import type { Ring } from './ring.ts';

/** Secret `<stack>-jwks` as the ring has it: derived anew in each pass, so no crash leaves the two apart for long. */
export function publish({ stack, keys, lifetimes }: Ring): KubernetesAction {
  const published = { keys: keys.map(({ publicJwk }) => publicJwk), lifetimes };
  return { type: 'apply', kind: secretKind, object: secretOf(publishedKeys, stack, published) };
}
