import { authSecrets as content, files } from '@authstack/auth-service/api';
import type { AuthSecrets } from '@authstack/auth-service/api';
import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf } from '../api/names.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { parseJson } from './jwks.ts';
import { readStored } from './secret.ts';
import type { StoredSecret } from './secret.ts';

/** Secret `<stack>-auth-secrets` holds one file with pepper, refresh and TOTP keys, each with an id and a current id. */
export const authSecrets: StoredSecret<AuthSecrets> = {
  component: 'auth',
  nameOf: (stackName) => namesOf(stackName).authSecrets,
  decode: (texts) => {
    const text = texts[files.secrets];
    if (text === undefined) return { why: `it has no ${files.secrets}` };
    const json = parseJson(text);
    if (json === undefined) return { why: `${files.secrets} is not JSON` };
    const parsed = content.safeParse(json);
    if (parsed.success) return { value: parsed.data };
    const [issue] = parsed.error.issues;
    const where = [files.secrets, ...(issue?.path ?? [])].join('.');
    // Only where, and the schema's own rules: zod's messages may repeat a value.
    return { why: issue?.code === 'custom' ? `${where}: ${issue.message}` : `${where} is missing or invalid` };
  },
  encode: (value) => ({ [files.secrets]: JSON.stringify(value) }),
};

/** As plans see it: nothing of what it holds. */
export type SeenAuthSecrets =
  | { readonly state: 'absent' }
  | { readonly state: 'foreign' }
  | { readonly state: 'malformed'; readonly why: string }
  | { readonly state: 'present' };

export function readAuthSecrets(stack: AuthStack, secret: Secret | undefined): SeenAuthSecrets {
  const seen = readStored(authSecrets, stack, secret);
  return seen.state === 'value' ? { state: 'present' } : seen;
}
