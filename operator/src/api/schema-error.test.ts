import { expect, test } from '@jest/globals';
import { authStackSpecSchema } from './auth-stack.ts';
import { schemaErrorOf } from './schema-error.ts';

const valid = { publicURL: 'https://shop.example.com', auth: { audience: ['shop'] } };

test('a valid spec has no schema error', () => {
  expect(schemaErrorOf(valid, authStackSpecSchema)).toBeUndefined();
});

test('each invalid field is named with what to write', () => {
  const spec = { publicURL: 'https://shop.example.com/', auth: { audience: ['shop'], image: 'a:b:c' } };
  expect(schemaErrorOf(spec, authStackSpecSchema)).toBe(
    'spec.publicURL: must be https://host or https://host:port in lower case, without a path or a slash at the end, ' +
      'spec.auth.image: must be an image, [host[:port]/]path[:tag][@digest], such as registry.example.com/team/auth:1.2',
  );
});

test('of many invalid fields a few are named', () => {
  const audience = Array.from({ length: 16 }, () => 'not an audience');
  expect(schemaErrorOf({ ...valid, auth: { audience } }, authStackSpecSchema)).toMatch(
    /^spec\.auth\.audience\.0: [^]* and 13 more$/,
  );
});
