import { z } from 'zod';
import {
  authConsumerKind,
  authConsumerRules,
  authConsumerSpecSchema,
  authConsumerStatusSchema,
} from './auth-consumer.ts';
import { authStackKind, authStackRules, authStackSpecSchema, authStackStatusSchema } from './auth-stack.ts';
import { GROUP, VERSION } from './kinds.ts';
import { PATTERN_MESSAGE } from './text.ts';
import type { Kind } from '../runtime/objects.ts';

export type JsonSchema = Record<string, unknown>;

interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'date' | 'integer';
  readonly jsonPath: string;
  readonly priority?: 1;
  readonly description: string;
}

interface CrdSource {
  readonly kind: Kind;
  readonly shortName: string;
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly extra: JsonSchema;
  readonly columns: readonly PrinterColumn[];
}

const condition = (type: string, field: 'status' | 'reason' | 'message'): string =>
  `.status.conditions[?(@.type=="${type}")].${field}`;

export const sources: readonly CrdSource[] = [
  {
    kind: authStackKind,
    shortName: 'astk',
    description: 'A complete sign-in system: an auth service, a MongoDB replica set and rotating signing keys.',
    spec: authStackSpecSchema,
    status: authStackStatusSchema,
    extra: authStackRules,
    columns: [
      {
        name: 'Ready',
        type: 'string',
        jsonPath: condition('Ready', 'status'),
        description: 'Whether people can sign in.',
      },
      { name: 'Reason', type: 'string', jsonPath: condition('Ready', 'reason'), description: 'The cause.' },
      {
        name: 'Primary',
        type: 'string',
        jsonPath: '.status.mongodb.primary',
        description: 'The member that takes writes.',
      },
      {
        name: 'Key',
        type: 'string',
        jsonPath: '.status.signingKeys.activeKid',
        priority: 1,
        description: 'The key that signs.',
      },
      {
        // No `date`: kubectl prints what lies ahead as <invalid>.
        name: 'Next Rotation',
        type: 'string',
        jsonPath: '.status.signingKeys.nextRotationTime',
        priority: 1,
        description: 'When the next key is due to sign.',
      },
      { name: 'URL', type: 'string', jsonPath: '.spec.publicURL', priority: 1, description: 'Where people sign in.' },
      {
        name: 'Message',
        type: 'string',
        jsonPath: condition('Ready', 'message'),
        priority: 1,
        description: 'The cause, and what to do.',
      },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since it was created.' },
    ],
  },
  {
    kind: authConsumerKind,
    shortName: 'acons',
    description: 'Asks an AuthStack for the public keys, for a service in this namespace that verifies tokens.',
    spec: authConsumerSpecSchema,
    status: authConsumerStatusSchema,
    extra: authConsumerRules,
    columns: [
      {
        name: 'Accepted',
        type: 'string',
        jsonPath: condition('Accepted', 'status'),
        description: 'Whether the AuthStack allows it.',
      },
      {
        name: 'InSync',
        type: 'string',
        jsonPath: condition('InSync', 'status'),
        description: 'Whether the Secret holds the current keys.',
      },
      { name: 'Stack', type: 'string', jsonPath: '.spec.stackRef.name', description: 'The AuthStack.' },
      { name: 'Secret', type: 'string', jsonPath: '.spec.secretName', description: 'The Secret with the keys.' },
      {
        name: 'Message',
        type: 'string',
        jsonPath: condition('Accepted', 'message'),
        priority: 1,
        description: 'The cause, and what to do.',
      },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since it was created.' },
    ],
  },
];

/** The CustomResourceDefinitions, in the order they are documented. */
export function customResourceDefinitions(): readonly JsonSchema[] {
  return sources.map(crd);
}

function crd(source: CrdSource): JsonSchema {
  const { kind, shortName, columns } = source;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        shortNames: [shortName],
        // Not `authstack`: kubectl would take `get authstack shop` for the category and refuse the name.
        categories: ['auth-stack'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: objectSchema(source) },
        },
      ],
    },
  };
}

/** What the field reference shows of a kind. */
export interface Documented {
  readonly kind: string;
  readonly shortName: string;
  readonly description: string;
  readonly schema: JsonSchema;
}

export function documented(source: CrdSource): Documented {
  const { kind, shortName, description } = source;
  return { kind: kind.kind, shortName, description, schema: objectSchema(source) };
}

function objectSchema({ description, spec, status, extra }: CrdSource): JsonSchema {
  return {
    type: 'object',
    description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: structural(spec),
      status: structural(status),
    },
    ...extra,
  };
}

/** The OpenAPI v3 form that Kubernetes calls structural (apiextensions.k8s.io/v1, "Specifying a structural schema"). */
export function structural(schema: z.ZodType): JsonSchema {
  return cleanSchema(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline' }));
}

function clean(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(clean);
  if (typeof node !== 'object' || node === null) return node;
  return cleanSchema(node);
}

function cleanSchema(node: object): JsonSchema {
  const entries = Object.entries(node).filter(([key]) => !['$schema', 'propertyNames', 'id'].includes(key));
  const cleaned: JsonSchema = Object.fromEntries(entries.map(([key, value]) => [key, clean(value)]));
  // zod bounds every integer by the safe range; the API server's own bound is 64 bits.
  if (cleaned['maximum'] === Number.MAX_SAFE_INTEGER) delete cleaned['maximum'];
  if (cleaned['minimum'] === Number.MIN_SAFE_INTEGER) delete cleaned['minimum'];
  if (cleaned['type'] === 'integer') cleaned['format'] = 'int64';
  return withFullDefault(withPatternAsRule(cleaned));
}

/** The message of a form (`text`) is shown only by a rule, so the pattern becomes one. */
function withPatternAsRule({ [PATTERN_MESSAGE]: message, ...schema }: JsonSchema): JsonSchema {
  if (message === undefined) return schema;
  const { pattern, 'x-kubernetes-validations': others = [], ...rest } = schema;
  const rule = { rule: `self.matches(r'${String(pattern)}')`, message };
  return { ...rest, 'x-kubernetes-validations': [rule, ...(others as readonly object[])] };
}

/** The API server holds a default against the rules before it fills in the defaults inside it, so it must be complete. */
function withFullDefault(schema: JsonSchema): JsonSchema {
  if (schema['type'] !== 'object' || typeof schema['default'] !== 'object') return schema;
  const properties = (schema['properties'] as Record<string, JsonSchema> | undefined) ?? {};
  const inner = Object.entries(properties).filter(([, field]) => field['default'] !== undefined);
  const filled = Object.fromEntries(inner.map(([name, field]) => [name, field['default']]));
  return { ...schema, default: { ...filled, ...schema['default'] } };
}
