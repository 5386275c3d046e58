import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { problems } from '../errors.ts';
import { openApiDocument, sessionSchemes } from '../http/openapi.ts';
import { byDelivery } from '../sessions/delivery.ts';
import type { Operation } from '../http/route.ts';
import { expectDocumented } from './documented.ts';
import type { Exchange } from './documented.ts';

const operation: Operation = {
  method: 'post',
  path: '/things/{id}',
  access: 'public',
  summary: 'Changes a thing',
  parameters: z.strictObject({ id: z.string() }),
  query: z.strictObject({ loud: z.string().exactOptional() }),
  body: z.strictObject({ name: z.string().max(5) }),
  reply: {
    status: 200,
    schema: byDelivery({
      cookie: z.object({ size: z.int(), owner: z.object({ id: z.string() }) }),
      body: z.object({ token: z.string() }),
    }),
  },
  problems: ['SESSION_INVALID', 'DATABASE_UNAVAILABLE'],
};
const document = openApiDocument([operation], {
  title: 'A service',
  problems,
  securitySchemes: sessionSchemes({ token: 'token', session: 'session' }),
});
const server = createServer((_request, response) => response.end(JSON.stringify(document)));
let url: string;

beforeAll(async () => {
  server.listen(0);
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
});

interface Sent {
  readonly sent?: unknown;
  readonly query?: string;
  readonly sentHeaders?: Readonly<Record<string, string>>;
}

const asked = { 'authstack-delivery': 'body' };

function checked(change: Partial<Exchange['answer']>, { sent, query = '', sentHeaders = {} }: Sent = {}) {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  const body = { size: 1, owner: { id: 'x' } };
  const answer = { status: 200, headers, body, ...change };
  return expectDocumented({
    url,
    method: 'POST',
    path: `/things/7${query}`,
    sent: sent ?? { name: 'chair' },
    sentHeaders,
    answer,
  });
}

const problem = { type: 't', title: 't', status: 401, code: 'SESSION_INVALID', instance: 'i' };
const asProblem = { 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer' };

test('what the document has passes', async () => {
  await checked({});
  await checked({}, { query: '?loud=yes' });
  await checked({ body: { token: 't' } }, { sentHeaders: asked });
  await checked({ status: 401, headers: asProblem, body: problem });
});

test.each<[string, () => Promise<void>, RegExp]>([
  ['a status', () => checked({ status: 418 }), /no status 418/],
  ['a media type', () => checked({ headers: { 'content-type': 'text/html' } }), /no text\/html among/],
  ['a member of the wrong type', () => checked({ body: { size: 'x', owner: { id: 'x' } } }), /size/],
  ['a missing member', () => checked({ body: { owner: { id: 'x' } } }), /size/],
  ['a member that is not described', () => checked({ body: { size: 1, owner: { id: 'x', age: 3 } } }), /owner/],
  [
    'a code of another operation',
    () => checked({ status: 401, headers: asProblem, body: { ...problem, code: 'TOKEN_INVALID' } }),
    /code/,
  ],
  [
    'a problem that is none',
    () => checked({ status: 401, headers: asProblem, body: { code: 'SESSION_INVALID' } }),
    /title/,
  ],
  [
    'a missing header',
    () => checked({ status: 401, headers: { ...asProblem, 'www-authenticate': undefined }, body: problem }),
    /no header WWW-Authenticate/,
  ],
  ['an accepted body that breaks a bound', () => checked({}, { sent: { name: 'cupboard' } }), /accepted a body.*name/],
  ['an accepted body with one more member', () => checked({}, { sent: { name: 'x', age: 1 } }), /accepted a body/],
  ['an accepted text', () => checked({}, { sent: '{"name": 7}' }), /accepted a body.*name/],
  ['what takes a header that was not sent', () => checked({ body: { token: 't' } }), /size/],
  ['what takes that a header was not sent', () => checked({}, { sentHeaders: asked }), /token/],
  ['an accepted query parameter', () => checked({}, { query: '?quiet=yes' }), /accepted the query parameter quiet/],
])('%s that the document does not have is found', async (_what, check, why) => {
  await expect(check()).rejects.toThrow(why);
});
