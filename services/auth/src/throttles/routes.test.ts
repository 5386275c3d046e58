import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { newcomer, send, Visitor } from '../testing/visitor.ts';
import type { Answer } from '../testing/visitor.ts';
import { anEmail, PASSWORD } from '../testing/world.ts';
import { delays } from './limits.ts';

let stack: TestStack;
let pods: TestStack['pods'];

beforeAll(async () => {
  stack = await startStack({ pods: 2, environment: { AUTHSTACK_TRUSTED_PROXIES: '127.0.0.0/8, ::1/128' } });
  pods = stack.pods;
}, 60_000);

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
});

interface Tried {
  readonly email: string;
  readonly password: string;
  readonly client: string;
  readonly visitor?: Visitor;
}

function signIn({ email, password, client, visitor = new Visitor() }: Tried): Promise<Answer> {
  const headers = { 'x-forwarded-for': client };
  return visitor.on(pods[0], 'POST /api/users/signin', { body: { email, password }, headers });
}

async function refused(email: string, client: string): Promise<Answer> {
  const { free } = delays.address_on_account;
  for (let count = 0; count <= free; count += 1) {
    expect(await signIn({ email, password: 'wrong', client })).toMatchObject({ status: 401 });
  }
  return signIn({ email, password: PASSWORD, client });
}

test('a stranger who guesses gets 429, the owner signs in from a known device and from elsewhere', async () => {
  const owner = await newcomer(pods[0]);
  const { email } = owner;
  const answer = await refused(email, '192.0.2.1');
  expect(answer).toMatchObject({ status: 429, body: { code: 'TOO_MANY_ATTEMPTS' } });
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);

  await owner.on(pods[0], 'POST /api/users/signout');
  const back = await signIn({ email, password: PASSWORD, client: '192.0.2.1', visitor: owner });
  expect(back.status).toBe(200);
  expect((await signIn({ email, password: PASSWORD, client: '203.0.113.9' })).status).toBe(200);
});

test('an address without an account is refused no differently', async () => {
  const { email } = await newcomer(pods[0]);
  const shape = ({ status, body, headers }: Answer) => {
    const { instance: _, ...rest } = z.looseObject({ instance: z.string() }).parse(body);
    return { status, rest, names: Object.keys(headers).toSorted() };
  };
  expect(shape(await refused(anEmail(), '192.0.3.1'))).toEqual(shape(await refused(email, '192.0.4.1')));
});

test('the cookie of a device is the sign-in’s alone, and outlives the session', async () => {
  const visitor = new Visitor();
  const signedUp = await visitor.signUp(pods[0]);
  const line = signedUp.setCookie.find((each) => each.startsWith('device=')) ?? '';
  expect(line).toMatch(
    /^device=r1\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{22}; Max-Age=34560000; Path=\/api\/users; .*HttpOnly; SameSite=Lax$/,
  );
  const signedOut = await visitor.on(pods[0], 'POST /api/users/signout');
  expect(signedOut.setCookie.join()).not.toContain('device=');
  const tokens = await send(pods[0], 'POST /api/users/signin', {
    body: { email: visitor.email, password: PASSWORD },
    headers: { 'authstack-delivery': 'body' },
  });
  expect(tokens).toMatchObject({ status: 200, setCookie: [] });
});

test('what was refused is counted by pods apart and in the log without the address', async () => {
  const email = anEmail();
  await refused(email, '192.0.5.1');
  const { text } = await pods[0].probe('/metrics');
  expect(text).toMatch(/authstack_throttled_requests_total\{operation="sign_in",by="address_on_account"\} [1-9]/);
  expect(text).toMatch(/authstack_sign_ins_total\{outcome="too_many_attempts"\} [1-9]/);
  const audited = pods[0].log.filter((line) => line.includes('"audit":"throttled"') && line.includes('192.0.5.0/24'));
  expect(audited).toHaveLength(1);
  expect(pods[0].log.join()).not.toContain(email);
});
