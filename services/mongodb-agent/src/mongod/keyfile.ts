import { readFile } from 'node:fs/promises';
import type { KeyfileReply } from '../api.ts';
import { Refusal, isErrno } from '../errors.ts';

/** The content of the first file that has any. */
export async function readKeyfile(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    try {
      const content = await readFile(file, 'utf8');
      if (content.trim() !== '') return content;
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
    }
  }
  return undefined;
}

/** So that a lost Secret can be restored from what the running members hold. */
export async function answerKeyfile(files: readonly string[]): Promise<KeyfileReply> {
  const keyfile = await readKeyfile(files);
  if (keyfile !== undefined) return { keyfile };
  throw new Refusal(
    'KEYFILE_GONE',
    `this pod holds no keyfile, neither at ${files.join(' nor at ')}; ask another member`,
  );
}
