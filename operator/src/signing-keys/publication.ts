import type { KubernetesAction } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import { publishedKeys } from '../stored/jwks.ts';
import { secretOf } from '../stored/secret.ts';
import { knownRevoked } from './revocation.ts';
import type { Ring } from './ring.ts';

/** Secret `<stack>-jwks` as the ring has it: derived anew in each pass, so no crash leaves the two apart for long. */
export function publish(ring: Ring): KubernetesAction {
  const { stack, lifetimes } = ring;
  const revoked = knownRevoked(ring);
  // A ring that was restored from a backup of before may hold one.
  const keys = ring.keys.filter(({ kid }) => !revoked.some((one) => one.kid === kid));
  const published = { keys: keys.map(({ publicJwk }) => publicJwk), lifetimes, ...(revoked.length > 0 && { revoked }) };
  return { type: 'apply', kind: secretKind, object: secretOf(publishedKeys, stack, published) };
}
