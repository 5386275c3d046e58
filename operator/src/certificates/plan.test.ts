import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { authStackSpecSchema } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { planCertificates, renewalOf } from './plan.ts';
import { SERVER_LIFE, AUTHORITY_LIFE } from './types.ts';
import type { CertificatesObservation, SeenServerCertificate } from './types.ts';

const stack: AuthStack = {
  apiVersion: 'authstack.dev/v1alpha1',
  kind: 'AuthStack',
  metadata: { name: 'shop', namespace: 'auth', uid: 'u1' },
  spec: authStackSpecSchema.parse({ publicURL: 'https://shop.example.com', auth: { audience: ['shop'] } }),
};
const now = Date.UTC(2030, 0, 1);

function everywhere(agents: SeenServerCertificate, authPods = agents): CertificatesObservation['servers'] {
  return { agents, authPods };
}

const settled: CertificatesObservation = {
  stack,
  now,
  authority: { state: 'valid', notBefore: now - 1000, notAfter: now + AUTHORITY_LIFE },
  servers: everywhere({
    state: 'valid',
    notBefore: now - 1000,
    notAfter: now + SERVER_LIFE,
    issuedByAuthority: true,
    hasName: true,
  }),
};
const good = {
  state: 'valid',
  notBefore: now,
  notAfter: now + SERVER_LIFE,
  issuedByAuthority: true,
  hasName: true,
} as const;

test.each<[string, Partial<CertificatesObservation>, string[]]>([
  [
    'a new stack gets an authority and then a certificate',
    { authority: { state: 'absent' }, servers: everywhere({ state: 'absent' }) },
    ['createAuthority', 'issueServerCertificate', 'issueServerCertificate'],
  ],
  [
    'a lost certificate is issued again',
    { servers: everywhere({ state: 'absent' }, good) },
    ['issueServerCertificate'],
  ],
  [
    'a damaged certificate is issued again, for nothing is lost with it',
    { servers: everywhere(good, { state: 'malformed', why: 'x' }) },
    ['issueServerCertificate'],
  ],
  [
    'a certificate of another authority is issued again',
    { servers: everywhere({ ...good, issuedByAuthority: false }, good) },
    ['issueServerCertificate'],
  ],
  [
    'a certificate of another name is issued again',
    { servers: everywhere(good, { ...good, hasName: false }) },
    ['issueServerCertificate'],
  ],
  ['a settled stack is left alone', {}, []],
])('%s', (_law, change, actions) => {
  expect(planCertificates({ ...settled, ...change }).actions.map(({ type }) => type)).toEqual(actions);
});

test.each<[string, Partial<CertificatesObservation>, string, string]>([
  ['an authority that is not ours', { authority: { state: 'foreign' } }, 'CertificateAuthorityNotOwned', 'shop-ca'],
  [
    'a damaged authority',
    { authority: { state: 'malformed', why: 'tls.crt is not a PEM certificate' } },
    'CertificateAuthorityMalformed',
    'tls.crt',
  ],
  [
    'an expired authority',
    { authority: { state: 'valid', notBefore: 0, notAfter: now } },
    'CertificateAuthorityExpired',
    'shop-ca',
  ],
  [
    'an agent Secret that is not ours',
    { servers: everywhere({ state: 'foreign' }, good) },
    'ServerCertificateNotOwned',
    'shop-mongodb-agent-tls',
  ],
  [
    'a Secret of the auth pods that is not ours',
    { servers: everywhere(good, { state: 'foreign' }) },
    'ServerCertificateNotOwned',
    'shop-auth-tls',
  ],
])('%s is named and never written over', (...[, change, reason, named]) => {
  const plan = planCertificates({ ...settled, ...change });
  expect(plan).toMatchObject({ actions: [], stalled: { reason } });
  expect(plan.stalled?.message).toContain(named);
  expect(plan.stalled?.message).toContain('kubectl -n auth');
});

test('a foreign Secret of one server holds no other certificate back', () => {
  const plan = planCertificates({ ...settled, servers: everywhere({ state: 'absent' }, { state: 'foreign' }) });
  expect(plan).toMatchObject({ actions: [{ server: 'agents' }], stalled: { reason: 'ServerCertificateNotOwned' } });
});

test('a lost authority is reported as a warning, a first one is not', () => {
  const eventsOf = (change: Partial<CertificatesObservation>): readonly string[] =>
    planCertificates({ ...settled, ...change }).actions.flatMap(({ event }) => (event ? [event.reason] : []));
  expect(eventsOf({ authority: { state: 'absent' } })).toEqual(['CertificateAuthorityLost']);
  expect(eventsOf({ authority: { state: 'absent' }, servers: everywhere({ state: 'absent' }) })).toEqual([]);
});

const moments = fc.integer({ min: 0, max: 4e12 });
const lives = fc.integer({ min: 3_000, max: AUTHORITY_LIFE });

test('a certificate is renewed exactly when two thirds of its life are over, always before its end', () => {
  fc.assert(
    fc.property(moments, lives, moments, (notBefore, life, at) => {
      const agent = { ...good, notBefore, notAfter: notBefore + life };
      const authority = { state: 'valid', notBefore: 0, notAfter: 9e12 } as const;
      const plan = planCertificates({ ...settled, authority, servers: everywhere(agent), now: at });
      const due = renewalOf(agent);
      expect(due).toBeLessThan(agent.notAfter);
      expect(plan.actions.length).toBe(at >= due ? 2 : 0);
      expect(plan.recheckAt).toBe(at >= due ? undefined : due);
    }),
  );
});

test('whoever sleeps until the announced moment has work exactly then', () => {
  fc.assert(
    fc.property(lives, (life) => {
      const agent = { ...good, notBefore: now, notAfter: now + life };
      const servers = everywhere(agent, { ...good, notBefore: now, notAfter: now + 2 * life });
      const { recheckAt } = planCertificates({ ...settled, servers });
      expect(planCertificates({ ...settled, servers, now: (recheckAt ?? 0) - 1 }).actions).toEqual([]);
      expect(planCertificates({ ...settled, servers, now: recheckAt ?? 0 }).actions).toMatchObject([
        { server: 'agents', why: 'Renewal' },
      ]);
    }),
  );
});
