import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createVerifier } from '@authstack/verify';
import { consumerSecret, secretMount } from '../../../../packages/verify/src/testing/secret-mount.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { newcomer, send, Visitor } from '../testing/visitor.ts';
import { ORIGIN, PASSWORD, startReadyPod } from '../testing/world.ts';
import type { Pod } from '../testing/world.ts';
import { COOKIE_BYTES, roomForAddressed } from '../tokens/token-size.ts';

/** Two pods that sign with ML-DSA-44: one for the longest audience that fits a cookie, one that was given another audience. */

const LONGEST = 'a'.repeat(roomForAddressed({ algorithm: 'ML-DSA-44', kid: 'k1' }) - JSON.stringify(ORIGIN).length - 2);
let stack: TestStack;
let roomy: Pod;
let crowded: Pod;

beforeAll(async () => {
  stack = await startStack({ algorithm: 'ML-DSA-44', environment: { AUTHSTACK_AUDIENCES: LONGEST } });
  [roomy] = stack.pods;
  crowded = await startReadyPod(stack.mounts, { AUTHSTACK_AUDIENCES: `${LONGEST},${'b'.repeat(40)}` });
}, 60_000);

afterAll(async () => {
  await crowded[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

const refused = {
  ...{ status: 500, setCookie: [] },
  body: {
    code: 'COOKIE_TOO_LARGE',
    detail: expect.stringMatching(/have 41\d\d bytes, and browsers drop .* more than 4096/),
  },
};

test('the largest tokens that a browser keeps pass the service and whoever verifies them', async () => {
  const person = await newcomer(roomy);
  const bytes = 'token'.length + person.token.length;
  expect(bytes).toBeLessThanOrEqual(COOKIE_BYTES);
  expect(bytes).toBeGreaterThan(COOKIE_BYTES - 60);
  expect(await person.isSignedIn(roomy)).toBe(true);
  expect((await person.refresh(roomy)).status).toBe(200);

  const jwks = (await send(roomy, 'GET /.well-known/jwks.json')).body;
  const trust = { 'jwks.json': JSON.stringify(jwks), issuer: ORIGIN, origin: ORIGIN, audience: LONGEST };
  await using mount = await secretMount(consumerSecret([], trust));
  using verifier = createVerifier({ directory: mount.directory });
  expect(verifier.verify(person.token)).toMatchObject({ roles: ['user'] });
});

test('a sign-in whose token no browser would keep is refused, counted and logged, and leaves no session', async () => {
  const person = await newcomer(roomy);
  const elsewhere = person.copy();
  for (let attempt = 0; attempt < 3; attempt += 1) expect(await person.signIn(crowded)).toMatchObject(refused);

  const { body } = await elsewhere.on(roomy, 'GET /api/users/sessions');
  expect((body as { sessions: unknown[] }).sessions).toHaveLength(1);
  expect((await crowded.probe('/metrics')).text).toContain('authstack_sign_ins_total{outcome="cookie_too_large"} 3');
  const lines = crowded.log.filter((line) => line.includes('COOKIE_TOO_LARGE'));
  expect(lines).toHaveLength(3);
  expect(lines[0]).toContain('remove audiences or change spec.signingKeys.algorithm');
  expect(lines[0]).not.toContain('aaaa');
});

test('whoever signs up there has no account afterwards', async () => {
  const person = new Visitor();
  expect(await person.signUp(crowded)).toMatchObject(refused);
  expect((await person.signUp(roomy)).status).toBe(201);
});

test('a session goes on where its token fits: its cookies stay, and another pod renews it', async () => {
  const person = await newcomer(roomy);
  expect(await person.refresh(crowded)).toMatchObject(refused);
  expect(await person.refresh(crowded)).toMatchObject(refused);
  expect((await person.refresh(roomy)).status).toBe(200);
  expect(await person.isSignedIn(roomy)).toBe(true);
});

test('a client that keeps its tokens elsewhere gets them, however large they are', async () => {
  const { email } = await newcomer(roomy);
  const answer = await send(crowded, 'POST /api/users/signin', {
    body: { email, password: PASSWORD },
    headers: { 'authstack-delivery': 'body' },
  });
  expect(answer).toMatchObject({ status: 200, setCookie: [] });
  const { access_token: token } = answer.body as { access_token: string };
  expect('token'.length + token.length).toBeGreaterThan(COOKIE_BYTES);
  const headers = { authorization: `Bearer ${token}` };
  expect(await send(crowded, 'GET /api/users/currentuser', { headers })).toMatchObject({
    body: { currentUser: { email } },
  });
});
