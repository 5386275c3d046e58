import { expect, test } from '@jest/globals';
import { isRecord } from './problem.ts';
import { isText, readNothing } from './reader.ts';
import type { Reader } from './reader.ts';
import { createSend } from './request.ts';

const readName: Reader<string> = (body) => (isRecord(body) && isText(body['name']) ? body['name'] : undefined);

const answering = (status: number, text: string) => createSend(() => Promise.resolve(new Response(text, { status })));

test('no answer at all is a problem like others', async () => {
  const send = createSend(() => Promise.reject(new TypeError('Failed to fetch')));
  const answer = await send({ method: 'GET', path: '/', read: readName });
  expect(answer).toMatchObject({ ok: false, problem: { code: 'UNREACHABLE', status: 0 } });
});

test('an answer without a body is enough where nothing is read', async () => {
  const answer = await answering(200, '')({ method: 'POST', path: '/', read: readNothing });
  expect(answer).toEqual({ ok: true, value: null });
});

test.each([
  ['a page of HTML', '<!doctype html>'],
  ['another object', '{"title":"x"}'],
  ['a list', '[]'],
])('%s is not taken for what was asked for', async (_what, text) => {
  const answer = await answering(200, text)({ method: 'GET', path: '/', read: readName });
  expect(answer).toMatchObject({ ok: false, problem: { code: 'UNREADABLE' } });
});

test('a refusal keeps its code', async () => {
  const answer = await answering(409, '{"code":"EMAIL_TAKEN"}')({ method: 'POST', path: '/', read: readNothing });
  expect(answer).toMatchObject({ ok: false, problem: { code: 'EMAIL_TAKEN', status: 409 } });
});

test('the time that a service asks to wait is kept, from the moment of its answer', async () => {
  const refusal = new Response('{"code":"OVERLOADED"}', { status: 503, headers: { 'retry-after': '3' } });
  const send = createSend(
    () => Promise.resolve(refusal),
    () => 1_000,
  );
  const answer = await send({ method: 'POST', path: '/', read: readNothing });
  expect(answer).toMatchObject({ problem: { code: 'OVERLOADED', retry: { afterSeconds: 3, at: 4_000 } } });
});
