import { z } from 'zod';

export interface SecretKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/** Keys of one purpose: new work uses the current one, old work finds its own by id. */
export interface KeySet {
  readonly current: SecretKey;
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

const keySet = z.object({
  current: z.string(),
  keys: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,32}$/), z.base64()),
});
const secretsFile = z.object({ pepper: keySet, refresh: keySet });

export function parseSecrets(text: string): Secrets {
  const parsed = secretsFile.safeParse(parseJson(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SecretsUnusable(`${issue?.path.join('.') ?? 'secrets'}: ${issue?.message ?? 'not acceptable'}`);
  }
  return { pepper: asKeySet('pepper', parsed.data.pepper), refresh: asKeySet('refresh', parsed.data.refresh) };
}

function asKeySet(purpose: string, { current, keys }: z.infer<typeof keySet>): KeySet {
  const byId = new Map(Object.entries(keys).map(([id, text]) => [id, { id, bytes: Buffer.from(text, 'base64') }]));
  for (const { id, bytes } of byId.values()) {
    if (bytes.length < 32) throw new SecretsUnusable(`${purpose} key ${id} has fewer than 32 bytes`);
  }
  const currentKey = byId.get(current);
  if (!currentKey) throw new SecretsUnusable(`the current ${purpose} key is not among its keys`);
  return { current: currentKey, find: (id) => byId.get(id) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the text.
    throw new SecretsUnusable('the file is not JSON');
  }
}
