import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf } from '../api/names.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { belongsTo, textsIn } from './secret.ts';

/** In Secret `<stack>-mongodb-auth-user`: the connection string of the stack's own database. */
export const DATABASE_URI_KEY = 'uri';

/** Where the connection string of the stack's database is: the operator's own Secret, or one that the spec names. */
export function databaseUriOf({ metadata, spec }: AuthStack): { readonly secretName: string; readonly key: string } {
  const { external } = spec.mongodb;
  if (!external) return { secretName: namesOf(metadata.name).authUser, key: DATABASE_URI_KEY };
  return { secretName: external.uriSecretRef.name, key: external.uriSecretRef.key };
}

/** As plans see it: the string holds a password. */
export type SeenDatabaseUri = 'absent' | 'foreign' | 'present';

export function readDatabaseUri(stack: AuthStack, secret: Secret | undefined): SeenDatabaseUri {
  if (secret && !stack.spec.mongodb.external && !belongsTo(stack, secret)) return 'foreign';
  return databaseUriIn(stack, secret) === undefined ? 'absent' : 'present';
}

/** For what connects to the database. */
export function databaseUriIn(stack: AuthStack, secret: Secret | undefined): string | undefined {
  const text = secret && textsIn(secret)[databaseUriOf(stack).key]?.trim();
  return text === '' ? undefined : text;
}
