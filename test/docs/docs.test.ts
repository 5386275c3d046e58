import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { run } from '../../cluster/process.ts';

const root = join(import.meta.dirname, '../..');

async function tracked(pattern: string): Promise<readonly string[]> {
  const listed = await run('git', ['-C', root, 'ls-files', '--cached', '--others', '--exclude-standard', pattern]);
  return listed.split('\n').filter((path) => path !== '' && existsSync(join(root, path)));
}

const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

/** GitHub's anchor of a heading. */
function anchorOf(heading: string): string {
  const text = heading.replace(/^#+\s*/, '').toLowerCase();
  return text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
}

test('every link of a document leads to a file, and to a heading in it', async () => {
  const broken: string[] = [];
  for (const path of await tracked('*.md')) {
    const links = (await read(path)).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g);
    for (const [whole, file = '', anchor] of links) {
      const target = file === '' ? path : join(dirname(path), file);
      const isThere = existsSync(join(root, target));
      const headings = isThere && anchor !== undefined ? (await read(target)).match(/^#+ .*$/gm) : [];
      if (!isThere || (anchor !== undefined && !headings?.map(anchorOf).includes(anchor))) broken.push(path + whole);
    }
  }
  expect(broken).toEqual([]);
});
