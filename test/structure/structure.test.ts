import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { cyclesIn, grouped, importsIn, readImports, sourceFolders } from './imports.ts';
import { MARKERS, faultsOf, pictureOf } from './picture.ts';

const imports = await readImports(...sourceFolders);

test('no import leads to a higher room or one beside, and no files or folders import each other', () => {
  expect(imports.size).toBeGreaterThan(400);
  expect(faultsOf(imports)).toEqual([]);
});

test('the picture in CONTRIBUTING.md is of the imports as they are; make picture draws it anew', async () => {
  const text = await readFile(join(import.meta.dirname, '../../CONTRIBUTING.md'), 'utf8');
  expect(text.split(MARKERS.begin)[1]?.split(MARKERS.end)[0]?.trim()).toBe(pictureOf(imports));
});

test.each([
  ['an import of a higher room', { 'operator/src/api/names.ts': ['operator/src/stack/plan.ts'] }, 'is above'],
  ['an import of a room beside', { 'operator/src/consumers/plan.ts': ['operator/src/mongodb/plan.ts'] }, 'is beside'],
  [
    'files that import each other over a third',
    { 'web/a.ts': ['web/b.ts'], 'web/b.ts': ['web/c.ts'], 'web/c.ts': ['web/a.ts'], 'web/d.ts': ['web/a.ts'] },
    'these files import each other: web/a.ts, web/b.ts, web/c.ts',
  ],
  [
    'folders that import each other, though no files do',
    { 'web/x/a.ts': ['web/y/b.ts'], 'web/y/c.ts': ['web/x/d.ts'], 'web/x/d.ts': [], 'web/y/b.ts': [] },
    'these folders import each other: web/x, web/y',
  ],
])('%s is found', (_what, planted, fault) => {
  const graph = new Map(Object.entries<readonly string[]>(planted));
  expect(faultsOf(graph)).toEqual([expect.stringContaining(fault)]);
});

test('a test may use the real parts of test/, and what other rooms made for tests', () => {
  const allowed = ['test/support/api-server.ts', 'services/auth/src/testing/world.ts'];
  expect(faultsOf(new Map([['services/orders/src/with-auth.test.ts', allowed]]))).toEqual([]);
  expect(faultsOf(new Map([['services/orders/src/main.ts', allowed]]))).toHaveLength(2);
});

test('imports are read whatever their form, types included, and libraries are left out', () => {
  const text = [
    "import { a } from './a.ts';",
    "import type { B } from '../b.ts';",
    "export { c } from './c.ts';",
    "const d = await import('./d.ts');",
    "import { kinds } from '@authstack/auth-service/api';",
    "import { z } from 'zod';",
  ].join('\n');
  expect(importsIn(text, 'operator/src/stack/plan.ts')).toEqual([
    'operator/src/stack/a.ts',
    'operator/src/b.ts',
    'operator/src/stack/c.ts',
    'operator/src/stack/d.ts',
    'services/auth/src',
  ]);
});

test('what follows from other arrows is not drawn', () => {
  const graph = new Map([
    ['operator/src/stack/plan.ts', ['operator/src/api/names.ts', 'operator/src/runtime/store.ts']],
    ['operator/src/api/names.ts', ['operator/src/runtime/store.ts']],
  ]);
  const arrows = pictureOf(graph).match(/\w+ --> \w+/g);
  expect(arrows).toEqual(['operator_src_stack --> operator_src_api', 'operator_src_api --> operator_src_runtime']);
  expect(cyclesIn(grouped(graph, (file) => file.split('/')[2]))).toEqual([]);
});
