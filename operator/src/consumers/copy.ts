import type { AuthConsumer } from '../api/auth-consumer.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { CONSUMER_LABEL, STACK_NAMESPACE_LABEL, labelsOf, namesOf, namespaceOf } from '../api/names.ts';
import type { Secret } from '../runtime/core-kinds.ts';

export interface CopySource {
  readonly jwks: string;
  readonly authority: string;
}

/** Port of the auth service inside the cluster. */
const AUTH_PORT = 8080;

/** What a service needs to verify the stack's tokens. Nothing in it is private. */
export function copySecret(consumer: AuthConsumer, stack: AuthStack, { jwks, authority }: CopySource): Secret {
  const { publicURL, auth } = stack.spec;
  const secure = publicURL.startsWith('https:');
  const session = auth.inlineRefresh ? '__Host-session' : '__Secure-session';
  const names = secure ? { token: '__Host-token', session } : { token: 'token', session: 'session' };
  const data = {
    'jwks.json': jwks,
    issuer: publicURL,
    origin: publicURL,
    audience: audienceOf(consumer, stack),
    'cookie-names': JSON.stringify(names),
    'auth-url': `http://${namesOf(stack.metadata.name).auth}.${namespaceOf(stack)}.svc:${AUTH_PORT}`,
    'ca.crt': authority,
  };
  const { apiVersion, kind, metadata } = consumer;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: consumer.spec.secretName,
      namespace: namespaceOf(consumer),
      labels: {
        ...labelsOf(stack, 'consumer'),
        [STACK_NAMESPACE_LABEL]: namespaceOf(stack),
        [CONSUMER_LABEL]: metadata.name,
      },
      ownerReferences: [
        { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', controller: true, blockOwnerDeletion: true },
      ],
    },
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, btoa(text)])),
  };
}

export function audienceOf(consumer: AuthConsumer, stack: AuthStack): string {
  return consumer.spec.audience ?? stack.spec.auth.audience[0] ?? '';
}

/** Whether a copy is, key for key, what it should be. Somebody may have added keys; those go as well. */
export function isTheSame(copy: Secret, wanted: Secret): boolean {
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

/** The kids in a copy, or in a stack's key set. */
export function kidsIn(jwks: string): readonly string[] {
  const { keys } = JSON.parse(jwks) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
}
