import { describe, expect, test } from '@jest/globals';
import { createApi } from './api.ts';
import type { Api } from './api.ts';

type Answer = readonly [status: number, body: unknown];

/** An API over answers in the order of the requests to each path. */
function apiOver(answers: Readonly<Record<string, readonly Answer[]>>): { api: Api; asked: string[] } {
  const asked: string[] = [];
  const left = new Map(Object.entries(answers).map(([request, list]) => [request, [...list]]));
  const api = createApi((path, init) => {
    const request = `${init.method ?? ''} ${path}`;
    asked.push(request);
    const answer = left.get(request)?.shift();
    if (!answer) return Promise.reject(new TypeError('Failed to fetch'));
    return Promise.resolve(
      new Response(typeof answer[1] === 'string' ? answer[1] : JSON.stringify(answer[1]), { status: answer[0] }),
    );
  });
  return { api, asked };
}

const user = { id: 'u1', email: 'ada@example.com', roles: ['user'], createdAt: '2026-01-02T03:04:05.000Z' };
const order = { id: 'o1', ticketId: 't1', title: 'Concert', createdAt: '2026-01-02T03:04:05.000Z' };
const unauthenticated: Answer = [401, { code: 'UNAUTHENTICATED' }];
const refreshed: Answer = [200, { currentUser: user, expiresIn: 900 }];

describe('an expired access token', () => {
  test('is renewed once, and the request repeated', async () => {
    const { api, asked } = apiOver({
      'POST /api/orders': [unauthenticated, [201, order]],
      'POST /api/users/refresh': [refreshed],
    });
    expect(await api.buy('t1')).toEqual({ ok: true, value: order });
    expect(asked).toEqual(['POST /api/orders', 'POST /api/users/refresh', 'POST /api/orders']);
  });

  test('is not renewed a second time when the repeated request is refused too', async () => {
    const { api, asked } = apiOver({
      'GET /api/orders': [unauthenticated, unauthenticated],
      'POST /api/users/refresh': [refreshed],
    });
    expect(await api.orders()).toMatchObject({ ok: false, problem: { code: 'UNAUTHENTICATED' } });
    expect(asked).toHaveLength(3);
  });

  test('met by two requests at once is renewed once for both', async () => {
    const { api, asked } = apiOver({
      'GET /api/orders': [unauthenticated, [200, { orders: [order] }]],
      'POST /api/orders': [unauthenticated, [201, order]],
      'POST /api/users/refresh': [refreshed],
    });
    const answers = await Promise.all([api.orders(), api.buy('t1')]);
    expect(answers.map(({ ok }) => ok)).toEqual([true, true]);
    expect(asked.filter((request) => request.endsWith('/refresh'))).toHaveLength(1);
  });

  test('of an ended session is told in the words of the auth service', async () => {
    const { api } = apiOver({
      'GET /api/orders': [unauthenticated],
      'POST /api/users/refresh': [[401, { code: 'SESSION_REUSED' }]],
    });
    expect(await api.orders()).toMatchObject({ ok: false, problem: { code: 'SESSION_REUSED' } });
  });
});

test('a wrong password is no expired token', async () => {
  const { api, asked } = apiOver({ 'POST /api/users/signin': [[401, { code: 'INVALID_CREDENTIALS' }]] });
  const answer = await api.signIn({ email: 'ada@example.com', password: 'wrong' });
  expect(answer).toMatchObject({ ok: false, problem: { code: 'INVALID_CREDENTIALS' } });
  expect(asked).toEqual(['POST /api/users/signin']);
});

test('no answer at all is a problem like others', async () => {
  const { api } = apiOver({});
  expect(await api.tickets()).toMatchObject({ ok: false, problem: { code: 'UNREACHABLE', status: 0 } });
});

test('an answer without a body is enough for a sign-out', async () => {
  const { api } = apiOver({ 'POST /api/users/signout': [[200, '']] });
  expect(await api.signOut()).toEqual({ ok: true, value: null });
});

test.each([
  ['a page of HTML', '<!doctype html>'],
  ['a list with a broken entry', { tickets: [{ id: 't1', title: 'Concert', remaining: 3 }] }],
  ['another object', { orders: [] }],
])('%s instead of tickets is not shown as tickets', async (_, body) => {
  const { api } = apiOver({ 'GET /api/orders/tickets': [[200, body]] });
  expect(await api.tickets()).toMatchObject({ ok: false, problem: { code: 'UNREADABLE' } });
});

test('nobody and somebody are told apart', async () => {
  const { api } = apiOver({
    'GET /api/users/currentuser': [
      [200, { currentUser: null }],
      [200, { currentUser: user }],
    ],
  });
  expect(await api.currentUser()).toEqual({ ok: true, value: { user: null } });
  expect(await api.currentUser()).toEqual({ ok: true, value: { user } });
});
