import { describe, expect, test } from '@jest/globals';
import type { ClientsDocument } from '@authstack/auth-service/api';
import {
  NOW,
  aClient,
  aPod,
  generations,
  hash,
  issuer,
  policy,
  seenClients,
  stored,
  suspended,
  withToken,
  written,
} from '../testing/clients.ts';
import { generationsAt } from './generations.ts';
import { planClients } from './plan.ts';
import { mayBeBehind } from './pods.ts';
import type { ClientsObservation } from './types.ts';

type Client = ClientsDocument['clients'][number];

const MINUTE = 60_000;
const answers = (minutes: number) => ({ state: 'answers', ago: 0, steadyFor: minutes * MINUTE }) as const;
const OVERLAP = policy.volumeRefresh + policy.clockSkew;
const orders = aClient();
const ordersEntry: Client = {
  ...{ id: 'shop/orders', audience: 'shop' },
  secrets: [{ sha256: hash('shop/orders-10') }, { sha256: hash('shop/orders-11') }],
};
const billing = withToken();
const billingEntry: Client = {
  ...{ id: 'shop/billing', audience: 'shop' },
  serviceAccount: { namespace: 'shop', name: 'billing', uid: 'u1' },
};
const cluster = { issuer: issuer.issuer, keys: [...issuer.keys] };

function recorded(...clients: readonly Client[]): ClientsObservation['stored'] {
  return stored({ document: { version: 5, clients: [...clients] }, generations });
}

/** The document that a plan writes; undefined where it writes none. */
function documentOf(seen: ClientsObservation): ClientsDocument | undefined {
  return written(planClients(seen).actions)?.document;
}

test.each<[string, ClientsObservation, readonly Client[]]>([
  ['a consumer with a secret is known by the next one too', seenClients(), [ordersEntry]],
  [
    'a consumer with a ServiceAccount is known by its uid',
    seenClients({ consenting: [billing], cluster: issuer }),
    [billingEntry],
  ],
  [
    'one whose ServiceAccount is gone is not let in',
    seenClients({
      consenting: [
        withToken('shop/billing', { credential: { type: 'serviceAccount', namespace: 'shop', name: 'billing' } }),
      ],
      stored: recorded(billingEntry),
    }),
    [],
  ],
  ['whoever consents no more goes', seenClients({ consenting: [], stored: recorded(ordersEntry) }), []],
  [
    'so it does of a suspended stack, which lets in nobody new',
    seenClients({ stack: suspended(), consenting: [billing], stored: recorded(billingEntry, ordersEntry) }),
    [billingEntry],
  ],
  [
    'what is stored of a namespace that cannot be watched stays',
    seenClients({
      consenting: [],
      stored: recorded({ ...ordersEntry, id: 'dark/orders' }, ordersEntry),
      unseenNamespaces: ['dark'],
    }),
    [{ ...ordersEntry, id: 'dark/orders' }],
  ],
  [
    'a consumer that has no secret to derive yet is not recorded',
    seenClients({ consenting: [aClient('shop/orders', { credential: { type: 'secret' } })] }),
    [],
  ],
])('%s', (_law, seen, clients) => {
  expect(documentOf(seen)?.clients).toEqual(clients);
});

test('nothing is written where nothing differs', () => {
  expect(planClients(seenClients({ stored: recorded(ordersEntry) })).actions).toEqual([]);
  const seen = seenClients({ stack: suspended(), consenting: [orders, billing], stored: recorded(ordersEntry) });
  expect(planClients(seen).actions).toEqual([]);
  expect(planClients(seenClients({ stack: suspended() })).actions).toEqual([]);
});

test('each change has a higher version, whatever the clock says', () => {
  const ahead = stored({ document: { version: NOW + 100, clients: [] }, generations });
  expect(documentOf(seenClients({ stored: ahead }))?.version).toBe(NOW + 101);
  expect(documentOf(seenClients({ stored: recorded() }))?.version).toBe(NOW);
});

test.each<[string, Partial<ClientsObservation>, ClientsDocument['cluster']]>([
  ['who signs the tokens of ServiceAccounts is told', { cluster: issuer }, cluster],
  [
    'what was known stays while the API server does not tell',
    { cluster: { state: 'unreadable', why: '503' } },
    cluster,
  ],
  ['where it is forbidden nobody is', { cluster: { state: 'forbidden', path: '/openid/v1/jwks' } }, undefined],
  ['and where nobody shows a token it is not told', { cluster: 'notAsked' }, undefined],
])('%s', (_law, changes, told) => {
  const before = stored({ document: { version: 5, cluster, clients: [] }, generations });
  expect(documentOf(seenClients({ consenting: [billing], stored: before, ...changes }))?.cluster).toEqual(told);
});

const former: Client = { ...ordersEntry, secrets: [{ sha256: hash('old') }, { sha256: hash('shop/orders-10') }] };
const ending = (at: number): Client => ({
  ...ordersEntry,
  secrets: [...(ordersEntry.secrets ?? []), { sha256: hash('old'), notAfter: new Date(at).toISOString() }],
});

test.each<[string, Client, ReadonlySet<string>, Client]>([
  [
    'a former secret does not end while a copy holds it',
    former,
    new Set([hash('old')]),
    { ...ordersEntry, secrets: [...(ordersEntry.secrets ?? []), { sha256: hash('old') }] },
  ],
  ['it ends once every mount is fresh without it', former, new Set(), ending(NOW + OVERLAP)],
  ['and is gone after that', ending(NOW), new Set(), ordersEntry],
  [
    'a copy that holds it again keeps it',
    ending(NOW + 1),
    new Set([hash('old')]),
    { ...ordersEntry, secrets: [...(ordersEntry.secrets ?? []), { sha256: hash('old') }] },
  ],
])('%s', (_law, ...[before, held, after]) => {
  const seen = seenClients({ consenting: [aClient('shop/orders', { held })], stored: recorded(before) });
  expect(documentOf(seen)?.clients).toEqual([after]);
});

test('an end that is set is not moved', () => {
  const seen = seenClients({ stored: recorded(ending(NOW + 1)) });
  expect(planClients(seen).actions).toEqual([]);
  expect(planClients(seen).recheckAt).toBe(NOW + 1);
});

test('a document that was lost lets in what copies hold until their mounts are fresh', () => {
  const seen = seenClients({ consenting: [aClient('shop/orders', { held: new Set([hash('old')]) })] });
  expect(documentOf(seen)?.clients).toEqual([
    { ...ordersEntry, secrets: [...(ordersEntry.secrets ?? []), { sha256: hash('old') }] },
  ]);
});

test('a consumer that turns to its ServiceAccount is let in with its secret until its mounts are fresh', () => {
  const secret = { sha256: hash('shop/orders-10') };
  const seen = seenClients({
    consenting: [withToken('shop/orders')],
    stored: recorded({ ...ordersEntry, secrets: [secret] }),
  });
  const notAfter = new Date(NOW + OVERLAP).toISOString();
  expect(documentOf(seen)?.clients).toMatchObject([
    { serviceAccount: { uid: 'u1' }, secrets: [{ ...secret, notAfter }] },
  ]);
});

test('the key that secrets derive from is made where somebody needs one', () => {
  const clientKey = { state: 'absent' } as const;
  const types = (seen: ClientsObservation): readonly string[] => planClients(seen).actions.map(({ type }) => type);
  expect(types(seenClients({ clientKey, stored: recorded(ordersEntry) }))).toEqual(['createClientKey']);
  expect(types(seenClients({ clientKey, stored: recorded(), consenting: [] }))).toEqual([]);
  expect(types(seenClients({ clientKey, stored: recorded(ordersEntry), stack: suspended() }))).toEqual([]);
});

test('without a key to derive from, what is stored stays', () => {
  const keyless = aClient('shop/orders', { credential: { type: 'secret' } });
  const clientKey = { state: 'malformed', why: 'key is missing' } as const;
  const plan = planClients(seenClients({ clientKey, consenting: [keyless], stored: recorded(ordersEntry) }));
  expect(plan.actions).toEqual([]);
  expect(plan.problem).toMatchObject({ status: 'False', reason: 'SecretMalformed' });
});

test('a Secret that is not ours is left alone and named', () => {
  const plan = planClients(seenClients({ stored: { state: 'foreign' } }));
  expect(plan.actions).toEqual([]);
  expect(plan.problem).toMatchObject({ reason: 'SecretNotOwned', message: expect.stringContaining('main-clients') });
  const keyIsForeign = planClients(
    seenClients({ clientKey: { state: 'foreign' }, consenting: [billing], cluster: issuer }),
  );
  expect(keyIsForeign.problem?.message).toContain('main-client-key');
  expect(written(keyIsForeign.actions)?.document?.clients).toEqual([billingEntry]);
});

test('the next secret becomes the current one when the interval is over, counted from when anybody could know it', () => {
  const context = { policy, keyMadeAt: 0, rotates: true };
  const dueAt = generations.since + policy.rotationInterval;
  expect(generationsAt(generations, { ...context, now: dueAt - 1 })).toBe(generations);
  expect(generationsAt(generations, { ...context, now: dueAt })).toMatchObject({
    current: 11,
    next: dueAt,
    since: dueAt,
  });
  expect(generationsAt(generations, { ...context, now: dueAt, keyMadeAt: dueAt - 1 })).toBe(generations);
  expect(generationsAt(generations, { ...context, now: dueAt, rotates: false })).toBe(generations);
  expect(planClients(seenClients({ stored: recorded(ordersEntry) })).recheckAt).toBe(dueAt);
});

test('generations of a Secret that was lost never come again', () => {
  expect(generationsAt(undefined, { policy, keyMadeAt: 0, rotates: true, now: NOW })).toEqual({
    ...{ current: NOW, next: NOW + 1, since: NOW, changedAt: NOW },
  });
});

describe('auth pods', () => {
  const inOrder = { stored: recorded(ordersEntry) };
  const told = (seen: ClientsObservation): unknown =>
    planClients(seen).actions.map((action) => (action.type === 'reloadClients' ? action.pods : action.type));

  test('that know an older document are told the one that is stored', () => {
    const seen = seenClients({ ...inOrder, pods: [aPod(4), aPod(5, { name: 'main-auth-2' })] });
    expect(planClients(seen).actions).toEqual([
      {
        ...{ type: 'reloadClients', stack: { namespace: 'auth', name: 'main' } },
        ...{ pods: [{ name: 'main-auth-1', ip: '10.0.0.1' }], wanted: { version: 5, clients: [ordersEntry] } },
      },
    ]);
  });

  test('are told only what is stored already', () => {
    expect(told(seenClients({ stored: recorded(), pods: [aPod(4)] }))).toEqual(['replace']);
  });

  test('of a suspended stack are told as well', () => {
    expect(told(seenClients({ ...inOrder, stack: suspended(), pods: [aPod(4)] }))).toEqual([
      [{ name: 'main-auth-1', ip: '10.0.0.1' }],
    ]);
  });

  test('that cannot be told are named, and tried again within seconds', () => {
    const plan = planClients(seenClients({ ...inOrder, pods: [aPod('unknown')] }));
    const message = expect.stringContaining('kubectl -n auth delete pod main-auth-1');
    expect(plan.problem).toEqual({ status: 'True', reason: 'PodsNotTold', message });
    expect(plan.recheckAt).toBeLessThanOrEqual(NOW + 2_000);
  });

  test('that have just started are tried again, and not named yet', () => {
    const plan = planClients(seenClients({ ...inOrder, pods: [aPod('unknown', { startedAt: NOW - 1_000 })] }));
    expect(plan.problem).toBeUndefined();
    expect(plan.recheckAt).toBeLessThanOrEqual(NOW + 2_000);
  });

  test('whose mounts show the document by now are left alone', () => {
    const plan = planClients(seenClients({ ...inOrder, pods: [aPod('notAsked')] }));
    expect(plan.actions).toEqual([]);
    expect(plan.problem).toBeUndefined();
  });

  test.each<[string, number, Parameters<typeof mayBeBehind>[0], boolean]>([
    ['of a document that was just written are asked', 0, { startedAt: 0, reachability: answers(60) }, true],
    ['are left alone once their mounts show it', 10, { startedAt: 0, reachability: answers(60) }, false],
    ['that have just started are asked', 10, { startedAt: NOW + 9 * MINUTE, reachability: answers(60) }, true],
    ['that were cut off and are back are asked', 10, { startedAt: 0, reachability: answers(1) }, true],
    ['that are cut off are not', 10, { startedAt: 0, reachability: { state: 'silent' } }, false],
    ['that do not run yet are not', 10, { startedAt: undefined, reachability: { state: 'unknown' } }, false],
  ])('%s', (_law, minutes, ...[pod, isAsked]) => {
    expect(mayBeBehind(pod, { now: NOW + minutes * MINUTE, policy, ...inOrder })).toBe(isAsked);
  });

  test('that know a document which was lost get one of a higher version', () => {
    expect(documentOf(seenClients({ pods: [aPod(NOW + 7)] }))?.version).toBe(NOW + 8);
  });
});
