import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { classifyFiles } from './classify.ts';

test.each([
  ['no data directory, or one just made', [], 'empty'],
  ['a freshly formatted disk', ['lost+found'], 'empty'],
  ['a mongod killed before it wrote anything', ['lost+found', 'mongod.lock', 'journal', 'WiredTiger.lock'], 'empty'],
  ['a data directory', ['WiredTiger', 'WiredTiger.wt', 'mongod.lock', 'journal', 'journal/WiredTigerLog.1'], 'data'],
  ['collections without WiredTiger’s own files', ['collection-0.wt', 'mongod.lock'], 'unreadable'],
  ['a journal without what it belongs to', ['journal', 'journal/WiredTigerLog.1'], 'unreadable'],
  ['somebody else’s files', ['pgdata'], 'unreadable'],
])('%s is classified', (_case, names, state) => {
  expect(classifyFiles(names)).toBe(state);
});

test('a directory with any file that mongod writes with data is never classified as empty', () => {
  const written = fc.constantFrom(
    'WiredTiger',
    'WiredTiger.wt',
    'WiredTiger.turtle',
    '_mdb_catalog.wt',
    'sizeStorer.wt',
    'storage.bson',
  );
  const others = fc.array(fc.constantFrom('lost+found', 'mongod.lock', 'journal', 'WiredTiger.lock'));
  fc.assert(fc.property(written, others, (name, rest) => classifyFiles([name, ...rest]) !== 'empty'));
});
