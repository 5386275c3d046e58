import { NO_STACK, authConsumerKind, stackRefOf } from '../api/auth-consumer.ts';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { durationMillis } from '../api/duration.ts';
import {
  CONSUMERS_BY_STACK,
  CONSUMER_LABEL,
  STACK_LABEL,
  STACK_NAMESPACE_LABEL,
  namesOf,
  namespaceOf,
  selectorOf,
} from '../api/names.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { podKind, secretKind } from '../runtime/core-kinds.ts';
import type { Pod, Secret } from '../runtime/core-kinds.ts';
import { keyOf } from '../runtime/objects.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { textIn } from './apply.ts';
import { settingMillis, startsOf } from './auth-pods.ts';
import { parseJwks, parseLifetimes, parseRing, withoutPrivate } from './ring.ts';
import type { Copy, KeyPolicy, KeysObservation, SeenJwks, SeenRing } from './types.ts';

export async function observeSigningKeys(
  stack: AuthStack,
  { cluster }: { readonly cluster: Cluster },
  pass: Pass,
): Promise<KeysObservation> {
  const names = namesOf(stack.metadata.name);
  // A ring that the watch does not show must be seen to be gone before another is made.
  const find = (name: string): Promise<Secret | undefined> =>
    cluster.find(secretKind, { namespace: namespaceOf(stack), name }, pass);
  const [ring, jwks] = await Promise.all([find(names.signingKeys), find(names.jwks)]);
  const pods = cluster.cachedList(podKind, { namespace: namespaceOf(stack), labels: selectorOf(stack, 'auth') });
  return {
    stack,
    now: pass.now,
    policy: policyOf(stack, pods),
    ring: readRing(stack, ring),
    jwks: readJwks(stack, jwks),
    copies: copiesOf(stack, cluster),
    authServiceRunsSince: pods.flatMap(startsOf),
  };
}

function policyOf({ spec }: AuthStack, pods: readonly Pod[]): KeyPolicy {
  const { algorithm, rotationInterval, propagation } = spec.signingKeys;
  // While pods of an earlier template are there, what they were told is in force as well.
  const inForce = (duration: string, setting: string): Millis =>
    Math.max(durationMillis(duration), ...pods.map((pod) => settingMillis(pod, setting)));
  return {
    algorithm,
    rotationInterval: durationMillis(rotationInterval),
    volumeRefresh: durationMillis(propagation.volumeRefresh),
    clockSkew: durationMillis(propagation.clockSkew),
    jwksMaxAge: inForce(propagation.jwksMaxAge, 'AUTHSTACK_JWKS_MAX_AGE_SECONDS'),
    accessTokenTtl: inForce(spec.auth.accessTokenTTL, 'AUTHSTACK_ACCESS_TOKEN_TTL_SECONDS'),
  };
}

function readRing(stack: AuthStack, secret: Secret | undefined): SeenRing {
  if (!secret) return { state: 'absent' };
  if (!isOurs(stack, secret)) return { state: 'foreign' };
  const ring = parseRing(textIn(secret, 'ring.json'));
  if ('why' in ring) return { state: 'malformed', why: ring.why };
  const { keys, lifetimes } = ring;
  const resourceVersion = secret.metadata.resourceVersion ?? '';
  return { state: 'present', resourceVersion, keys: keys.map(withoutPrivate), lifetimes };
}

function readJwks(stack: AuthStack, secret: Secret | undefined): SeenJwks {
  if (!secret) return { state: 'absent' };
  if (!isOurs(stack, secret)) return { state: 'foreign' };
  const lifetimes = parseLifetimes(textIn(secret, 'lifetimes.json'));
  return { state: 'present', keys: parseJwks(textIn(secret, 'jwks.json')), ...(lifetimes && { lifetimes }) };
}

function isOurs(stack: AuthStack, { metadata }: Secret): boolean {
  return metadata.labels?.[STACK_LABEL] === stack.metadata.name;
}

/** Secrets of the AuthConsumers that name this stack; an accepted one that has none holds nothing. */
function copiesOf(stack: AuthStack, cluster: Cluster): readonly Copy[] {
  const labels = {
    [STACK_LABEL]: stack.metadata.name,
    [STACK_NAMESPACE_LABEL]: namespaceOf(stack),
    'app.kubernetes.io/component': 'consumer',
  };
  // By the AuthConsumer they are of. One whose AuthConsumer is gone is nobody's any more; it must not hold rotation back.
  const held = Map.groupBy(cluster.cachedList(secretKind, { labels }), ({ metadata }) =>
    keyOf({ namespace: metadata.namespace ?? '', name: metadata.labels?.[CONSUMER_LABEL] ?? '' }),
  );
  const naming = (value: string): readonly AuthConsumer[] =>
    cluster.cachedList(authConsumerKind, { index: { name: CONSUMERS_BY_STACK, value } });
  // A broken one may be of any stack; what it holds of this one counts.
  return [...naming(keyOf(stack.metadata)), ...naming(NO_STACK)].flatMap((consumer): readonly Copy[] => {
    const name = keyOf(consumer.metadata);
    const secrets = held.get(name) ?? [];
    if (secrets.length === 0) {
      return stackRefOf(consumer) && isAccepted(consumer) ? [{ consumer: name, kids: new Set() }] : [];
    }
    return secrets.map((secret) => ({ consumer: name, kids: kidsOf(secret) }));
  });
}

/** A cached Secret never changes, so each is read once: with 500 copies that were half of a stack's passes. */
const kidsOfSecret = new WeakMap<Secret, ReadonlySet<string>>();

function kidsOf(secret: Secret): ReadonlySet<string> {
  const known = kidsOfSecret.get(secret);
  if (known) return known;
  const kids = new Set(parseJwks(textIn(secret, 'jwks.json')).map(({ kid }) => kid));
  kidsOfSecret.set(secret, kids);
  return kids;
}

function isAccepted({ status }: AuthConsumer): boolean {
  return status?.conditions?.some((condition) => condition.type === 'Accepted' && condition.status === 'True') ?? false;
}
