import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { generatedFiles, staleFiles, writeGenerated } from './generate.ts';

const root = join(import.meta.dirname, '../..');

test('the committed CRDs, chart templates and field reference match the schemas (else: make generate)', async () => {
  expect(await staleFiles(root)).toEqual([]);
});

test('a generated file edited by hand is found', async () => {
  const copy = await mkdtemp(join(tmpdir(), 'generated-'));
  try {
    await writeGenerated(copy);
    const [edited = ''] = generatedFiles().keys();
    await writeFile(join(copy, edited), 'edited');
    expect(await staleFiles(copy)).toEqual([edited]);
  } finally {
    await rm(copy, { recursive: true });
  }
});
