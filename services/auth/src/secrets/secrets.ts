import { authSecrets } from '../api.ts';
import type { AuthSecrets } from '../api.ts';

export interface SecretKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** Keys of one purpose: new work uses the current one, old work finds its own by id. */
export interface KeySet {
  readonly current: SecretKey;
  readonly ids: readonly string[];
  find(id: string): SecretKey | undefined;
}

export interface Secrets {
  readonly pepper: KeySet;
  readonly refresh: KeySet;
}

/** The secrets as written cannot be used. The message never repeats their content. */
export class SecretsUnusable extends Error {
  override readonly name: string = 'SecretsUnusable';
}

export function parseSecrets(text: string): Secrets {
  const parsed = authSecrets.safeParse(parseJson(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SecretsUnusable(`${issue?.path.join('.') ?? 'secrets'}: ${issue?.message ?? 'invalid'}`);
  }
  return { pepper: asKeySet(parsed.data.pepper), refresh: asKeySet(parsed.data.refresh) };
}

function asKeySet({ current, keys }: AuthSecrets['pepper']): KeySet {
  const byId = new Map(Object.entries(keys).map(([id, text]) => [id, { id, bytes: bytesOf(text) }]));
  const currentKey = byId.get(current);
  if (!currentKey) throw new SecretsUnusable(`the current key ${current} is not among its keys`);
  return { current: currentKey, ids: [...byId.keys()], find: (id) => byId.get(id) };
}

/** Not in the pool that small Buffers share: what is handed to another thread is copied with all that it shares memory with. */
function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the text.
    throw new SecretsUnusable('the file is not JSON');
  }
}
