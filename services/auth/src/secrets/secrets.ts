import { createHmac, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { authSecrets } from '../api.ts';
import type { AuthSecrets } from '../api.ts';

export interface SecretKey {
  readonly id: string;
  readonly bytes: Uint8Array;
  /** The same, as node:crypto has it at hand: with bytes an HMAC takes six times as long. */
  readonly forHmac: KeyObject;
}

/** HMAC-SHA-256 with the key. */
export function keyedHash({ forHmac }: SecretKey): ReturnType<typeof createHmac> {
  return createHmac('sha256', forHmac);
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
  const byId = new Map(Object.entries(keys).map(([id, text]) => [id, secretKey(id, bytesOf(text))]));
  const currentKey = byId.get(current);
  if (!currentKey) throw new SecretsUnusable(`the current key ${current} is not among its keys`);
  return { current: currentKey, ids: [...byId.keys()], find: (id) => byId.get(id) };
}

export function secretKey(id: string, bytes: Uint8Array): SecretKey {
  return { id, bytes, forHmac: createSecretKey(bytes) };
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
