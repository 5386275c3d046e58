import { createHash } from 'node:crypto';
import { glob, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Use } from './right.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'artifacts/rbac');
const file = join(folder, 'uses.json');

interface RecordFile {
  readonly of: string;
  readonly uses: readonly Use[];
}

/** Keeps what an operator of the whole cluster asked for in the integration test, for the end-to-end run to add. */
export async function record(uses: readonly Use[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(file, JSON.stringify({ of: await fingerprint(), uses } satisfies RecordFile, undefined, 1));
}

/** Undefined where it was never recorded, or of another state of the code: such a record would hide an unused right. */
export async function recorded(): Promise<readonly Use[] | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { of, uses } = JSON.parse(text) as RecordFile;
  return of === (await fingerprint()) ? uses : undefined;
}

/** Of what decides about requests and rights: the operator's code and the chart. */
async function fingerprint(): Promise<string> {
  const hash = createHash('sha256');
  const paths: string[] = [];
  for await (const path of glob(['operator/src/**/*.ts', 'charts/auth-stack/**/*'], { cwd: root })) paths.push(path);
  const code = paths.filter((path) => /\.(ts|ya?ml|tpl)$/.test(path) && !path.endsWith('.test.ts'));
  for (const path of code.sort((a, b) => (a < b ? -1 : 1))) {
    hash.update(path).update(await readFile(join(root, path)));
  }
  return hash.digest('hex');
}
