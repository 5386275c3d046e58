import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { addSessions, sessionsReadDuring, storedSessions } from '../testing/stored.mongo.ts';
import type { StoredSession } from '../testing/stored.mongo.ts';
import { claimsOf, newcomer, send, Visitor } from '../testing/visitor.ts';
import { PASSWORD } from '../testing/world.ts';
import type { Pod } from '../testing/world.ts';
import { MOST_OPEN } from './own-sessions.ts';

let stack: TestStack;
let pod: Pod;

beforeAll(async () => {
  stack = await startStack();
  [pod] = stack.pods;
}, 60_000);

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
});

const problem = (status: number, code: string) => ({ status, body: { status, code } });

interface Listed {
  readonly id: string;
  readonly openedAt: string;
  readonly current: boolean;
}

async function listedBy(visitor: Visitor): Promise<readonly Listed[]> {
  return ((await visitor.on(pod, 'GET /api/users/sessions')).body as { sessions: Listed[] }).sessions;
}

const sessionOf = ({ token }: Visitor): string => String(claimsOf(token)['sid']);

async function storedOf(visitor: Visitor): Promise<StoredSession> {
  const [stored] = await storedSessions(stack.database.uri, { _id: sessionOf(visitor) });
  if (!stored) throw new Error('the session is not stored');
  return stored;
}

async function again({ email }: Visitor): Promise<Visitor> {
  const visitor = new Visitor();
  await visitor.on(pod, 'POST /api/users/signin', { body: { email, password: PASSWORD } });
  return visitor;
}

const MINUTE = 60_000;
const before = (minutes: number): Date => new Date(Date.now() - minutes * MINUTE);

test('the open ones are listed, the newest first, however many have ended', async () => {
  const visitor = await newcomer(pod);
  const like = await storedOf(visitor);
  await addSessions(
    stack.database.uri,
    like,
    Array.from({ length: 1_200 }, (_, index) => ({ openedAt: before(5_000 + index), endedAt: before(4_000) })),
  );
  await addSessions(stack.database.uri, like, [{ openedAt: before(30), idleExpiresAt: before(1) }]);
  const second = await again(visitor);
  const third = await again(visitor);

  const listed = await listedBy(second);

  expect(listed.map(({ id }) => id)).toEqual([third, second, visitor].map(sessionOf));
  expect(listed.map(({ current }) => current)).toEqual([false, true, false]);
});

test('the one that asks is listed, were there ever so many newer ones', async () => {
  const visitor = await newcomer(pod);
  const newer = Array.from({ length: MOST_OPEN + 10 }, (_, index) => ({ openedAt: before(-1 - index) }));
  await addSessions(stack.database.uri, await storedOf(visitor), newer);

  const listed = await listedBy(visitor);

  expect(listed).toHaveLength(MOST_OPEN);
  expect(listed.filter(({ current }) => current).map(({ id }) => id)).toEqual([sessionOf(visitor)]);
});

test('a user has a bounded number of open sessions: the one unused for the longest ends, and that is in the audit log', async () => {
  const visitor = await newcomer(pod);
  const like = await storedOf(visitor);
  const others = Array.from({ length: MOST_OPEN - 1 }, (_, index) => ({
    openedAt: before(10_000),
    lastUsedAt: before(2 + index),
  }));
  await addSessions(stack.database.uri, like, others);
  const bystander = await newcomer(pod);

  const newest = await again(visitor);

  const open = await storedSessions(stack.database.uri, { userId: like.userId, endedAt: { $exists: false } });
  expect(open).toHaveLength(MOST_OPEN);
  const ended = await storedSessions(stack.database.uri, { userId: like.userId, endReason: 'too-many' });
  expect(ended.map(({ lastUsedAt }) => lastUsedAt as Date)).toEqual([others.at(-1)?.lastUsedAt]);
  const audited = pod.log.filter((line) => line.includes('session-limit'));
  expect(audited).toHaveLength(1);
  expect(audited[0]).toContain(ended[0]?._id);
  for (const each of [visitor, newest, bystander]) expect(await each.isSignedIn(pod)).toBe(true);
});

test('as long as there are not too many, a sign-in ends none and looks at none, however many have ended', async () => {
  const visitor = await newcomer(pod);
  const like = await storedOf(visitor);
  const open = Array.from({ length: MOST_OPEN - 2 }, (_, index) => ({ lastUsedAt: before(2 + index) }));
  const ended = Array.from({ length: 20 }, () => ({ endedAt: before(1), endReason: 'sign-out' }));
  await addSessions(stack.database.uri, like, [...open, ...ended]);

  const read = await sessionsReadDuring(stack.database.uri, () => again(visitor));

  expect(read).toBe(0);
  const left = await storedSessions(stack.database.uri, { userId: like.userId, endedAt: { $exists: false } });
  expect(left).toHaveLength(MOST_OPEN);
});

test('signing in from many places at once does not exceed the bound', async () => {
  const visitor = await newcomer(pod);
  const like = await storedOf(visitor);
  const others = Array.from({ length: MOST_OPEN - 1 }, (_, index) => ({ lastUsedAt: before(2 + index) }));
  await addSessions(stack.database.uri, like, others);

  await Promise.all(Array.from({ length: 6 }, () => again(visitor)));

  const open = await storedSessions(stack.database.uri, { userId: like.userId, endedAt: { $exists: false } });
  expect(open).toHaveLength(MOST_OPEN);
});

test('are listed, and one that was ended from another is gone', async () => {
  const visitor = await newcomer(pod);
  const other = new Visitor();
  await other.on(pod, 'POST /api/users/signin', { body: { email: visitor.email, password: PASSWORD } });
  const { body } = await visitor.on(pod, 'GET /api/users/sessions');
  const { sessions } = body as { sessions: { id: string; current: boolean }[] };
  expect(sessions.map(({ current }) => current)).toEqual([false, true]);

  const gone = await visitor.on(pod, `DELETE /api/users/sessions/${sessions[0]?.id ?? ''}`);
  expect(gone.status).toBe(204);
  expect(await other.isSignedIn(pod)).toBe(false);
  expect(await visitor.isSignedIn(pod)).toBe(true);
});

test('of another user cannot be ended, nor distinguished from none', async () => {
  const [visitor, stranger] = [await newcomer(pod), await newcomer(pod)];
  const foreign = String(claimsOf(stranger.token)['sid']);
  const none = 'A'.repeat(22);
  for (const id of [foreign, none]) {
    const answer = await visitor.on(pod, `DELETE /api/users/sessions/${id}`);
    expect(answer).toMatchObject(problem(404, 'SESSION_NOT_FOUND'));
  }
  expect(await stranger.isSignedIn(pod)).toBe(true);
});

test('nobody has none', async () => {
  expect(await send(pod, 'GET /api/users/sessions')).toMatchObject(problem(401, 'SESSION_INVALID'));
});
