import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { authConsumerSpecSchema } from '../../operator/src/api/auth-consumer.ts';
import { authStackSpecSchema } from '../../operator/src/api/auth-stack.ts';
import { editsOf, schemaOf, valueOf } from './values.ts';

test.each([
  ['AuthStack', authStackSpecSchema],
  ['AuthConsumer', authConsumerSpecSchema],
])('whatever is made from the schema of %s fits it', (_kind, schema) => {
  fc.assert(
    fc.property(valueOf(schemaOf(schema)), (spec) => {
      expect(schema.safeParse(spec).error?.issues).toBeUndefined();
    }),
    { numRuns: 50 },
  );
});

test('edits reach every field, and some fit nowhere', () => {
  const schema = z.object({ a: z.object({ b: z.int().min(1).max(9), c: z.boolean() }), d: z.array(z.string()).max(2) });
  const seen = new Set<string>();
  fc.assert(
    fc.property(editsOf(schemaOf(schema)), (edit) => {
      const [name = '', value] = Object.entries(edit)[0] ?? [];
      const isInner = typeof value === 'object' && value !== null && !Array.isArray(value) && name === 'a';
      seen.add(isInner ? `${name}.${Object.keys(value).join()}` : name);
      if (value === null) seen.add('taken away');
      if (name === 'a' && typeof value === 'string') seen.add('of another type');
    }),
    { numRuns: 400, seed: 1 },
  );
  expect([...seen]).toEqual(expect.arrayContaining(['a', 'a.b', 'a.c', 'd', 'taken away', 'of another type']));
});
