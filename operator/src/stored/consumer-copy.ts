import { authContract, cookieNames, files } from '@authstack/auth-service/api';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { durationMillis } from '../api/duration.ts';
import {
  CONSUMER_LABEL,
  FIELD_MANAGER,
  MANAGED_BY_LABEL,
  STACK_LABEL,
  STACK_NAMESPACE_LABEL,
  authHostOf,
  labelsOf,
  namespaceOf,
} from '../api/names.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { keyOf } from '../runtime/objects.ts';
import { decodeJwks, encodeJwks } from './jwks.ts';
import type { Kid, PublicJwk } from './jwks.ts';
import { encodeText, textsIn } from './secret.ts';

/*
 * The Secret of an AuthConsumer, in the consumer's own namespace: what a service needs to verify the stack's tokens.
 * Nothing of the stack in it is private; the client secret is the consumer's own. Its owner reference names the AuthConsumer, so it goes when that goes; its labels name the
 * AuthConsumer and the stack, so it is still known when the owner reference is gone.
 */

export interface CopySource {
  readonly keys: readonly PublicJwk[];
  /** PEM certificate of the stack's CA. */
  readonly authority: string;
  /** Absent: it has none yet. */
  readonly client?: ClientCredential;
}

/** What the consumer shows to the auth service. */
export interface ClientCredential {
  /** Absent: it shows the token of its ServiceAccount. */
  readonly secret?: string;
}

const CLIENT_ID = 'client-id';
const CLIENT_SECRET = 'client-secret';

/** By which the auth service knows the consumer. */
export function clientIdOf({ metadata }: Pick<AuthConsumer, 'metadata'>): string {
  return keyOf(metadata);
}

export function copySecret(consumer: AuthConsumer, stack: AuthStack, { keys, authority, client }: CopySource): Secret {
  const { publicURL, auth, signingKeys } = stack.spec;
  const names = cookieNames({ issuer: publicURL, inlineRefresh: auth.inlineRefresh });
  const texts = {
    [files.jwks]: encodeJwks(keys),
    issuer: publicURL,
    origin: publicURL,
    audience: audienceOf(consumer, stack),
    'cookie-names': JSON.stringify(names),
    'auth-url': `https://${authHostOf(stack.metadata)}:${authContract.servicePort}`,
    'ca.crt': authority,
    // What consumers allow must be what the stack promises, and what it keeps retired keys for.
    'clock-skew-seconds': String(durationMillis(signingKeys.propagation.clockSkew) / 1000),
    ...(client && { [CLIENT_ID]: clientIdOf(consumer) }),
    ...(client?.secret !== undefined && { [CLIENT_SECRET]: client.secret }),
  };
  const { apiVersion, kind, metadata } = consumer;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: consumer.spec.secretName,
      namespace: namespaceOf(consumer),
      labels: { ...labelsOf(stack, 'consumer'), ...copyLabels(stack), [CONSUMER_LABEL]: metadata.name },
      ownerReferences: [
        { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', controller: true, blockOwnerDeletion: true },
      ],
    },
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, encodeText(text)])),
  };
}

export function audienceOf(consumer: AuthConsumer, stack: AuthStack): string {
  return consumer.spec.audience ?? stack.spec.auth.audience[0] ?? '';
}

/** What every copy of a stack's keys is labelled with, in whichever namespace it is. */
export function copyLabels({ metadata }: AuthStack): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/component': 'consumer',
    [STACK_LABEL]: metadata.name,
    [STACK_NAMESPACE_LABEL]: metadata.namespace ?? '',
  };
}

/** Whether a copy is, key for key, what it should be; a key that somebody added makes it differ. */
export function isSameCopy(copy: Secret, wanted: Secret): boolean {
  const facts = ({ data = {}, metadata: { labels = {}, ownerReferences = [] } }: Secret): string =>
    JSON.stringify([sorted(data), ownedLabels(labels, wanted), ownerReferences.map(({ uid }) => uid)]);
  return facts(copy) === facts(wanted);
}

function ownedLabels(labels: Readonly<Record<string, string>>, wanted: Secret): unknown {
  return Object.keys(wanted.metadata.labels ?? {}).map((name) => labels[name]);
}

function sorted(data: Readonly<Record<string, string>>): unknown {
  return Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A cached Secret never changes, so each is read once: with 500 copies that is half of a stack's passes. */
const kidsOfSecret = new WeakMap<Secret, ReadonlySet<Kid>>();

/** The keys that a copy holds. */
export function kidsInCopy(copy: Secret): ReadonlySet<Kid> {
  const known = kidsOfSecret.get(copy);
  if (known) return known;
  const kids = new Set(decodeJwks(textsIn(copy)[files.jwks]).map(({ kid }) => kid));
  kidsOfSecret.set(copy, kids);
  return kids;
}

/** The client secret in a copy. */
export function clientSecretIn(copy: Pick<Secret, 'data'>): string | undefined {
  const encoded = copy.data?.[CLIENT_SECRET];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
}

/** `namespace/name` of the AuthConsumer that a Secret was made for, by its labels; undefined: it is no copy of ours. */
export function consumerOfCopy({
  metadata: { namespace = '', labels = {} },
}: Pick<Secret, 'metadata'>): string | undefined {
  const consumer = labels[CONSUMER_LABEL];
  if (consumer === undefined || labels[MANAGED_BY_LABEL] !== FIELD_MANAGER) return undefined;
  return keyOf({ namespace, name: consumer });
}
