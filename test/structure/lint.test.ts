import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { run } from '../../cluster/process.ts';

const root = join(import.meta.dirname, '../..');

/** Where a text breaks a rule, and where the same text is allowed; the paths exist, for rules that look at types. */
interface Planted {
  readonly law: string;
  readonly rule: string;
  readonly text: string;
  readonly red: string;
  readonly green?: string;
}

const importing = (path: string): string => `import * as all from '${path}';\nexport const planted = all;\n`;
const pure = 'operator/src/signing-keys/plan.ts';
const ambient = 'no-restricted-syntax';
const restricted = '@typescript-eslint/no-restricted-imports';

const planted: readonly Planted[] = [
  {
    law: 'the runtime does not know the kinds of AuthStack',
    ...{ rule: 'structure/layers', text: importing('../api/names.ts') },
    ...{ red: 'operator/src/runtime/store.ts', green: 'operator/src/stack/plan.ts' },
  },
  {
    law: 'the kinds do not know how a feature plans',
    ...{ rule: 'structure/layers', text: importing('../planning.ts') },
    ...{ red: 'operator/src/api/names.ts', green: 'operator/src/consumers/plan.ts' },
  },
  {
    law: 'the rooms below the features do not import each other',
    ...{ rule: 'structure/layers', text: importing('../agents/client.ts') },
    ...{ red: 'operator/src/stored/secret.ts', green: 'operator/src/mongodb/observe.ts' },
  },
  {
    law: 'features do not import each other',
    ...{ rule: 'structure/layers', text: importing('../consumers/types.ts') },
    ...{ red: pure, green: 'operator/src/stack/types.ts' },
  },
  {
    law: 'features do not import what joins them, not even a type',
    ...{ rule: 'structure/layers', text: "export type { StackPlan } from '../stack/types.ts';\n" },
    ...{ red: pure, green: 'operator/src/main.ts' },
  },
  {
    law: 'a room of a feature imports no other feature',
    ...{ rule: 'structure/layers', text: importing('../../consumers/types.ts') },
    ...{ red: 'operator/src/mongodb/replica-set/context.ts' },
  },
  {
    law: 'services do not import the operator',
    ...{ rule: 'structure/layers', text: importing('../../../operator/src/api/names.ts') },
    ...{ red: 'services/orders/src/main.ts' },
  },
  {
    law: 'services do not import each other',
    ...{ rule: 'structure/layers', text: importing('@authstack/auth-service/api') },
    ...{ red: 'services/orders/src/main.ts', green: 'operator/src/auth-pods/client.ts' },
  },
  {
    law: 'packages do not import services',
    ...{ rule: 'structure/layers', text: importing('@authstack/mongodb-agent/api') },
    ...{ red: 'packages/verify/src/index.ts', green: 'operator/src/agents/client.ts' },
  },
  {
    law: 'what ships does not import what tests it',
    ...{ rule: 'structure/layers', text: importing('../../../test/support/tools.ts') },
    ...{ red: 'operator/src/stack/observe.ts', green: 'operator/src/stack/operator.test.ts' },
  },
  {
    law: 'tests do not import benches',
    ...{ rule: 'structure/layers', text: importing('../../bench/report.ts') },
    ...{ red: 'test/support/chart.ts', green: 'bench/operator/measures.ts' },
  },
  {
    law: 'a pure file does not wait',
    ...{
      rule: 'structure/pure',
      text: 'export async function planted(work: Promise<void>): Promise<void> {\n  await work;\n}\n',
    },
    ...{ red: pure, green: 'operator/src/signing-keys/observe.ts' },
  },
  {
    law: 'a pure file does not wait at its top either',
    ...{ rule: 'structure/pure', text: 'export const planted: number = await Promise.resolve(1);\n' },
    ...{ red: pure, green: 'operator/src/signing-keys/observe.ts' },
  },
  {
    law: 'whatever its name is, a file of a feature is pure',
    ...{ rule: 'structure/pure', text: importing('node:fs/promises') },
    ...{ red: 'operator/src/mongodb/replica-set/context.ts', green: 'operator/src/mongodb/apply.ts' },
  },
  {
    law: 'a pure file draws no keys',
    ...{
      rule: 'structure/pure',
      text: "import { randomBytes } from 'node:crypto';\nexport const planted: Buffer = randomBytes(8);\n",
    },
    ...{ red: pure, green: 'operator/src/signing-keys/fresh-key.ts' },
  },
  {
    law: 'a pure file uses no random UUID',
    ...{ rule: 'structure/pure', text: 'export const planted: string = crypto.randomUUID();\n' },
    ...{ red: pure, green: 'operator/src/signing-keys/apply.ts' },
  },
  {
    law: 'a pure file sends no request',
    ...{ rule: 'structure/pure', text: "export const planted: Promise<Response> = fetch('http://localhost');\n" },
    ...{ red: pure, green: 'operator/src/agents/client.ts' },
  },
  {
    law: 'a pure file imports nothing at run time',
    ...{ rule: 'structure/pure', text: "export const planted: Promise<unknown> = import('node:fs');\n" },
    ...{ red: pure, green: 'operator/src/signing-keys/apply.ts' },
  },
  ...['Date.now()', 'new Date()', 'Math.random()', "process.env['HOME']", 'setTimeout(() => undefined, 1)'].map(
    (expression) => ({
      law: `${expression} is an argument`,
      ...{ rule: ambient, text: `export const planted: unknown = ${expression};\n` },
      ...{ red: 'operator/src/stack/observe.ts', green: 'operator/src/runtime/clock.ts' },
    }),
  ),
  {
    law: 'mongoose stays where the database is',
    ...{ rule: restricted, text: importing('mongoose') },
    ...{ red: 'services/auth/src/sessions/sign-in.ts', green: 'services/auth/src/mongo/database.ts' },
  },
  {
    law: 'express stays where requests come in',
    rule: restricted,
    text: "import express from 'express';\nexport const planted: unknown = express;\n",
    ...{ red: 'services/auth/src/sessions/sign-in.ts', green: 'services/auth/src/http/route.ts' },
  },
  {
    law: 'each path of a service has one spelling',
    rule: restricted,
    text: "import { Router } from 'express';\nexport const planted: unknown = Router;\n",
    ...{ red: 'services/auth/src/http/route.ts', green: 'packages/http-service/src/exact-router.ts' },
  },
  {
    law: 'what a store writes takes part in its transaction',
    rule: ambient,
    text: 'export const planted = (User: { readonly collection: unknown }): unknown => User.collection;\n',
    ...{ red: 'services/auth/src/users/user.mongo.ts', green: 'services/auth/src/mongo/database.ts' },
  },
  {
    law: 'the Kubernetes client stays behind one file',
    ...{ rule: restricted, text: importing('@kubernetes/client-node') },
    ...{ red: 'operator/src/runtime/store.ts', green: 'operator/src/runtime/client.ts' },
  },
  {
    law: 'a promise is not forgotten',
    ...{ rule: '@typescript-eslint/no-floating-promises', text: 'Promise.resolve(1);\n' },
    ...{ red: 'operator/src/stack/observe.ts' },
  },
  {
    law: 'a switch over a union has every case',
    rule: '@typescript-eslint/switch-exhaustiveness-check',
    text: "export function planted(value: 'a' | 'b'): void {\n  switch (value) {\n    case 'a':\n      break;\n  }\n}\n",
    red: pure,
  },
  {
    law: 'a function has three parameters at most',
    ...{ rule: 'max-params', text: 'export const planted = (a: 1, b: 2, c: 3, d: 4): unknown => [a, b, c, d];\n' },
    ...{ red: pure },
  },
  {
    law: 'a service does not print',
    ...{ rule: 'no-console', text: "console.log('planted');\n" },
    ...{ red: 'services/orders/src/main.ts', green: 'cluster/up.ts' },
  },
];

let broken: ReadonlyMap<string, readonly string[]>;
const keyOf = (path: string, text: string): string => `${path}\n${text}`;

beforeAll(async () => {
  const texts = planted.flatMap(({ text, red, green }) =>
    [red, ...(green === undefined ? [] : [green])].map((path) => [path, text] as const),
  );
  const output = await run(process.execPath, [join(import.meta.dirname, 'lint-texts.ts')], {
    input: JSON.stringify(texts),
  });
  const answers = JSON.parse(output) as readonly (readonly string[])[];
  broken = new Map(texts.map(([path, text], index) => [keyOf(path, text), answers[index] ?? []]));
}, 180_000);

test('every planted text is linted in the place of a file that exists', () => {
  const paths = planted.flatMap(({ red, green = red }) => [red, green]);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test.each(planted)('$law', ({ rule, text, red, green }) => {
  expect(broken.get(keyOf(red, text))).toContain(rule);
  if (green !== undefined) expect(broken.get(keyOf(green, text))).not.toContain(rule);
});
