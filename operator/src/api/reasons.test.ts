import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { consumerReasons } from './consumer-reasons.ts';
import { stackReasons } from './stack-reasons.ts';

const source = join(import.meta.dirname, '..');

/** Everything that may give a reason: no tests, and not the table itself. */
async function sources(): Promise<string> {
  const files = await readdir(source, { recursive: true });
  const giving = files.filter(
    (file) => file.endsWith('.ts') && !/\.test\.ts$|(^|\/)testing\/|api\/reasons\.ts$/.test(file),
  );
  return (await Promise.all(giving.map((file) => readFile(join(source, file), 'utf8')))).join('\n');
}

test('every reason of the table is given by some source file', async () => {
  const text = await sources();
  const reasons = [...Object.values(stackReasons), ...Object.values(consumerReasons)].flatMap((rows) =>
    Object.keys(rows),
  );
  expect([...new Set(reasons)].filter((reason) => !text.includes(`'${reason}'`))).toEqual([]);
});

test('every row says in a sentence what was seen, and what to do where a person has to act', () => {
  const rows = [...Object.values(stackReasons), ...Object.values(consumerReasons)].flatMap((table) =>
    Object.entries(table as Readonly<Record<string, { readonly seen: string; readonly do?: string }>>),
  );
  const loose = rows.filter(([, row]) => !row.seen.endsWith('.') || (row.do !== undefined && !row.do.endsWith('.')));
  expect(loose.map(([reason]) => reason)).toEqual([]);
});
