import { expect, test } from '@jest/globals';
import { InvalidBody } from '@authstack/http-service/operator-problems';
import { z } from 'zod';
import { Refusal } from '../errors.ts';
import { problemOf } from './problem.ts';

const zodError = z.strictObject({ version: z.int() }).safeParse({ version: 'secret' }).error;
if (!zodError) throw new Error('the sample must not parse');

test.each([
  [
    'a refusal has its code and what to do',
    new Refusal('NOT_PRIMARY', 'ask the primary'),
    { status: 409, code: 'NOT_PRIMARY', detail: 'ask the primary' },
  ],
  ['a wrong body is the caller’s', new InvalidBody(zodError), { status: 400, errors: [{ field: 'version' }] }],
  ['a reply of mongod that does not parse is not the caller’s', zodError, { status: 500, code: 'INTERNAL' }],
])('%s', (_law, error, problem) => {
  expect(problemOf(error)).toMatchObject(problem);
});

test('internal causes are not in the answer', () => {
  expect(
    JSON.stringify([problemOf(new Error('secret')), problemOf(zodError), problemOf(new InvalidBody(zodError))]),
  ).not.toContain('secret');
});
