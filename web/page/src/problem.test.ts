import { expect, test } from '@jest/globals';
import { parseProblem, problemOf, textOf } from './problem.ts';

test('a problem keeps its code, its detail and the fields at fault', () => {
  const errors = [{ field: 'password', code: 'TOO_SHORT', message: 'must have at least 8 characters' }];
  const body = { type: 'tag:x', title: 'T', status: 400, code: 'VALIDATION_FAILED', detail: 'password: …', errors };
  expect(parseProblem({ status: 400, body })).toEqual({
    code: 'VALIDATION_FAILED',
    status: 400,
    detail: 'password: …',
    fields: errors,
  });
});

test('field errors of another shape are left out', () => {
  const errors = [null, 'email', { field: 'email' }, { field: 'email', code: 1, message: 'x' }];
  expect(parseProblem({ status: 400, body: { code: 'VALIDATION_FAILED', errors } }).fields).toEqual([]);
});

test.each([
  [502, '<html>', 'UNREACHABLE'],
  [503, undefined, 'UNREACHABLE'],
  [404, { message: 'no route' }, 'UNREACHABLE'],
  [400, 'bad', 'UNREADABLE'],
  [400, { code: 7 }, 'UNREADABLE'],
  [429, '<html>', 'TOO_MANY_REQUESTS'],
])('an answer %i of a gateway becomes a problem of this page', (status, body, code) => {
  expect(parseProblem({ status, body })).toEqual({ code, status, fields: [] });
});

test.each([
  [
    'a code of the page, whatever the detail',
    problemOf('SOLD_OUT', { detail: 'ticket t1' }),
    'This ticket is sold out.',
  ],
  ['a code that all services share', problemOf('NOT_READY'), 'The service is starting. Try again in a moment.'],
  [
    'an unknown code, in the words of the service',
    problemOf('NEW', { detail: 'the venue is closed' }),
    'The venue is closed.',
  ],
  ['an unknown code without a detail', problemOf('NEW'), 'Something went wrong. Try again in a moment.'],
])('every problem has a text: %s', (_what, problem, text) => {
  expect(textOf(problem, { SOLD_OUT: 'This ticket is sold out.' })).toBe(text);
});

const retry = { afterSeconds: 45, at: 0 };

test.each([
  ['in the text of the page', problemOf('NOT_READY', { retry }), 'The service is starting. Try again in 45 seconds.'],
  ['after a text that names none', problemOf('SOLD_OUT', { retry }), 'Sold out. Try again in 45 seconds.'],
  ['after the words of the service', problemOf('NEW', { detail: 'closed', retry }), 'Closed. Try again in 45 seconds.'],
  [
    'of a throttle, whatever its code',
    problemOf('SLOW_DOWN', { status: 429, detail: '7 of 5', retry }),
    'That was too often. Try again in 45 seconds.',
  ],
])('the time that a service names is shown %s', (_where, problem, text) => {
  expect(textOf(problem, { SOLD_OUT: 'Sold out.' })).toBe(text);
});
