import fc from 'fast-check';
import { z } from 'zod';

/** JSON Schema, as zod gives it (z.toJSONSchema), with what occurs in our kinds. */
export interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | false;
}

export function schemaOf(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: 'input' }) as Schema;
}

/** Values that the schema allows; rules in CEL may still refuse them. */
export function valueOf(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(valueOf));
  return byType[schema.type ?? '']?.(schema) ?? anything;
}

const byType: Readonly<Record<string, (schema: Schema) => fc.Arbitrary<unknown>>> = {
  string: textOf,
  integer: ({ minimum = 0, maximum = 1_000 }) => fc.integer({ min: minimum, max: maximum }),
  boolean: () => fc.boolean(),
  array: ({ items = {}, minItems = 0, maxItems = 3 }) =>
    fc.array(valueOf(items), { minLength: minItems, maxLength: Math.max(minItems, Math.min(3, maxItems)) }),
  object: objectOf,
};

function textOf({ pattern = '^[a-z]{1,8}$', minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<string> {
  const matching = fc.stringMatching(new RegExp(pattern));
  return matching.filter(({ length }) => length >= minLength && length <= maxLength);
}

function objectOf({ properties = {}, required = [], additionalProperties }: Schema): fc.Arbitrary<unknown> {
  if (Object.keys(properties).length === 0 && additionalProperties) {
    return fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), valueOf(additionalProperties), { maxKeys: 3 });
  }
  const fields = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, valueOf(schema)]));
  return fc.record(fields, { requiredKeys: required as [] });
}

/** What no field takes, or only a field of another type. */
const anything: fc.Arbitrary<unknown> = fc.constantFrom(
  '',
  'x'.repeat(400),
  '\u0000',
  '${HOME}',
  -1,
  0,
  1e21,
  true,
  [],
  [null],
  {},
  { unknown: 1 },
);

/** One change of a spec, as a merge patch (RFC 7396): of a field, or of everything below it. */
export type Edit = Readonly<Record<string, unknown>>;

/** Mostly what the schema allows; now and then a field is taken away, gets another type, or is one that there is not. */
export function editsOf(schema: Schema): fc.Arbitrary<Edit> {
  const paths = pathsOf(schema, []);
  return fc
    .constantFrom(...paths)
    .chain(({ path, schema: field }) =>
      fc
        .oneof(
          { weight: 7, arbitrary: valueOf(field) },
          { weight: 2, arbitrary: fc.constant(null) },
          { weight: 1, arbitrary: anything },
        )
        .map((value) => patchOf(path, value)),
    );
}

interface Place {
  readonly path: readonly string[];
  readonly schema: Schema;
}

function pathsOf(schema: Schema, path: readonly string[]): readonly Place[] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => pathsOf(field, [...path, name]));
  return path.length === 0 ? below : [{ path, schema }, ...below];
}

function patchOf([name = '', ...rest]: readonly string[], value: unknown): Edit {
  return { [name]: rest.length === 0 ? value : patchOf(rest, value) };
}
