import type { AuthStack } from '../../api/auth-stack.ts';
import type { Millis } from '../../runtime/objects.ts';
import { clients } from '../../stored/clients.ts';
import type { StoredClients } from '../../stored/clients.ts';
import type { Seen } from '../../stored/secret.ts';
import type { ClientHolder, ClientsObservation, ConsentingClient } from '../clients/types.ts';
import { aStack } from './seen.ts';

export const NOW: Millis = Date.UTC(2030, 0, 1);
const MINUTE: Millis = 60_000;

export const policy = { rotationInterval: 60 * MINUTE, volumeRefresh: 2 * MINUTE, clockSkew: MINUTE };
export const generations = { current: 10, next: 11, since: NOW - MINUTE, changedAt: NOW - MINUTE };
export const issuer = { state: 'known', issuer: 'https://cluster', keys: [{ kid: 'c1', kty: 'EC' }] } as const;

/** Stands for the hash of a client secret: as long as one, and readable. */
export function hash(name: string | number): string {
  return `hash-of-${name}-`.padEnd(43, '0');
}

export function aClient(id = 'shop/orders', changes: Partial<ConsentingClient> = {}): ConsentingClient {
  return {
    ...{ id, audience: 'shop', held: new Set<string>() },
    credential: { type: 'secret', hashes: [hash(`${id}-10`), hash(`${id}-11`)] },
    ...changes,
  };
}

export function withToken(id = 'shop/billing', changes: Partial<ConsentingClient> = {}): ConsentingClient {
  const credential = { type: 'serviceAccount', namespace: 'shop', name: 'billing', uid: 'u1' } as const;
  return { ...aClient(id), credential, ...changes };
}

export function stored(value: StoredClients): Seen<StoredClients> {
  return { state: 'value', value, resourceVersion: '7', createdAt: NOW };
}

export function aPod(version: ClientHolder['version'], changes: Partial<ClientHolder> = {}): ClientHolder {
  return {
    name: 'main-auth-1',
    ip: '10.0.0.1',
    isTerminating: false,
    startedAt: NOW - 60 * MINUTE,
    version,
    ...changes,
  };
}

/** Everything in order, and nothing recorded yet. */
export function seenClients(changes: Partial<ClientsObservation> = {}): ClientsObservation {
  return {
    ...{ stack: aStack(), now: NOW, policy, generations },
    stored: { state: 'absent' },
    clientKey: { state: 'value', value: { madeAt: NOW - MINUTE }, resourceVersion: '1', createdAt: NOW - MINUTE },
    consenting: [aClient()],
    unseenNamespaces: [],
    cluster: 'notAsked',
    pods: [],
    ...changes,
  };
}

export function suspended(): AuthStack {
  return { ...aStack(), spec: { ...aStack().spec, suspend: true } };
}

/** What a plan writes, read back; undefined where it writes nothing. */
export function written(actions: readonly object[]): StoredClients | undefined {
  const write = actions.find((action): action is { object: { data: Record<string, string> } } => 'object' in action);
  if (!write) return undefined;
  const texts = Object.entries(write.object.data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]);
  const decoded = clients.decode(Object.fromEntries(texts) as Record<string, string>);
  if ('why' in decoded) throw new Error(decoded.why);
  return decoded.value;
}
