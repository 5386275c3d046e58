import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { z } from 'zod';
import { openMemory } from './memory.ts';
import type { Memory } from './memory.ts';

const schema = z.object({ version: z.number() });
let folder: string;
let lines: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'memory-'));
  lines = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(where: string | undefined = folder): Memory<{ version: number }> {
  const log = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
  return openMemory({ folder: where, file: 'told.json', schema, log });
}

test('what was kept last is there for the next process, and nothing else is left', async () => {
  const memory = open();
  expect(memory.before).toBeUndefined();
  for (const version of [1, 2, 3]) memory.keep({ version });
  await memory.settled();

  expect(open().before).toEqual({ version: 3 });
  expect(await readdir(folder)).toEqual(['told.json']);
  expect(lines).toEqual([]);
});

test.each([
  ['cut short', '{"version":'],
  ['of another schema', '{"version":"3"}'],
])('what is %s is not used, said, and replaced by what is kept next', async (_how, text) => {
  await writeFile(join(folder, 'told.json'), text);
  const memory = open();
  expect(memory.before).toBeUndefined();
  expect(lines).toEqual([expect.stringContaining('cannot be read, and is not used')]);

  memory.keep({ version: 4 });
  await memory.settled();
  expect(open().before).toEqual({ version: 4 });
});

test('where nothing can be written that is said once, and nobody fails', async () => {
  const memory = open(join(folder, 'none'));
  for (const version of [1, 2]) memory.keep({ version });
  await memory.settled();
  expect(lines).toEqual([expect.stringContaining('what the operator told cannot be kept')]);
});

test('without a folder nothing is kept', async () => {
  const log = pino({ level: 'silent' });
  const memory = openMemory({ folder: undefined, file: 'told.json', schema, log });
  memory.keep({ version: 1 });
  await memory.settled();
  expect(memory.before).toBeUndefined();
});
