import { createSend } from '@authstack/page/request.ts';
import { describe, expect, test } from '@jest/globals';
import { createApi } from './api.ts';
import type { Api } from './api.ts';

type Answer = readonly [status: number, body: unknown];

/** An API over answers, in the order of the requests to each path. */
function apiOver(answers: Readonly<Record<string, readonly Answer[]>>): { api: Api; sent: string[] } {
  const sent: string[] = [];
  const left = new Map(Object.entries(answers).map(([request, list]) => [request, [...list]]));
  const send = createSend((path, init) => {
    const request = `${init.method ?? ''} ${path}`;
    sent.push(request);
    const answer = left.get(request)?.shift();
    if (!answer) return Promise.reject(new TypeError('Failed to fetch'));
    return Promise.resolve(new Response(JSON.stringify(answer[1]), { status: answer[0] }));
  });
  return { api: createApi(send), sent };
}

const order = { id: 'o1', ticketId: 't1', title: 'Concert', createdAt: '2026-01-02T03:04:05.000Z' };
const expired: Answer = [401, { code: 'TOKEN_EXPIRED' }];
const refreshed: Answer = [200, { expiresIn: 900 }];

describe('an expired access token', () => {
  test('is renewed once, and the request repeated', async () => {
    const { api, sent } = apiOver({
      'POST /api/orders': [expired, [201, order]],
      'POST /api/users/refresh': [refreshed],
    });
    expect(await api.buy('t1')).toEqual({ ok: true, value: order });
    expect(sent).toEqual(['POST /api/orders', 'POST /api/users/refresh', 'POST /api/orders']);
  });

  test('is not renewed a second time when the repeated request is refused too', async () => {
    const { api, sent } = apiOver({
      'GET /api/orders': [expired, expired],
      'POST /api/users/refresh': [refreshed],
    });
    expect(await api.orders()).toMatchObject({ ok: false, problem: { code: 'TOKEN_EXPIRED' } });
    expect(sent).toHaveLength(3);
  });

  test('of two requests at once is renewed once for both', async () => {
    const { api, sent } = apiOver({
      'GET /api/orders': [expired, [200, { orders: [order] }]],
      'POST /api/orders': [expired, [201, order]],
      'POST /api/users/refresh': [refreshed],
    });
    const answers = await Promise.all([api.orders(), api.buy('t1')]);
    expect(answers.map(({ ok }) => ok)).toEqual([true, true]);
    expect(sent.filter((request) => request.endsWith('/refresh'))).toHaveLength(1);
  });

  test('of an ended session is answered with the refusal of the auth service', async () => {
    const { api } = apiOver({
      'GET /api/orders': [expired],
      'POST /api/users/refresh': [[401, { code: 'SESSION_REUSED' }]],
    });
    expect(await api.orders()).toMatchObject({ ok: false, problem: { code: 'SESSION_REUSED', status: 401 } });
  });

  test('signs nobody out while the auth service is away', async () => {
    const { api } = apiOver({ 'GET /api/orders': [expired] });
    expect(await api.orders()).toMatchObject({ ok: false, problem: { code: 'SIGN_IN_UNREACHABLE', status: 0 } });
  });
});

test('a visitor who is not signed in causes no request to the auth service', async () => {
  const { api, sent } = apiOver({ 'GET /api/orders': [[401, { code: 'UNAUTHENTICATED' }]] });
  expect(await api.orders()).toMatchObject({ ok: false, problem: { code: 'UNAUTHENTICATED' } });
  expect(sent).toEqual(['GET /api/orders']);
});

test.each([
  ['a list with a broken entry', { tickets: [{ id: 't1', title: 'Concert', remaining: 3 }] }],
  ['another object', { orders: [] }],
])('%s is not shown as tickets', async (_what, body) => {
  const { api } = apiOver({ 'GET /api/orders/tickets': [[200, body]] });
  expect(await api.tickets()).toMatchObject({ ok: false, problem: { code: 'UNREADABLE' } });
});
