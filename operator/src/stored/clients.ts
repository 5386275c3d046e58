import { clientsDocument, files } from '@authstack/auth-service/api';
import type { ClientsDocument } from '@authstack/auth-service/api';
import { z } from 'zod';
import { namesOf } from '../api/names.ts';
import { canonical } from '../runtime/json.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { parseJson } from './jwks.ts';
import { readStored } from './secret.ts';
import type { Seen, StackName, StoredSecret } from './secret.ts';

/*
 * Secret `<stack>-clients`: the services that consent now, for the auth pods.
 *
 *   clients.json      `ClientsDocument`: of a client secret its SHA-256 alone
 *   generations.json  which client secrets consumers use now, and which they use next
 */

const GENERATIONS_FILE = 'generations.json';

const generations = z.object({
  /** What consumers use. */
  current: z.int().nonnegative(),
  /** What they use next: auth pods have accepted it since `since`. */
  next: z.int().nonnegative(),
  /** When these two were written. */
  since: z.number().nonnegative(),
  /** When the document was last written, by the operator's clock. */
  changedAt: z.number().nonnegative(),
});

/** Numbers that never come again: the time is in them, as in the version of a key ring. */
export type Generations = Readonly<z.infer<typeof generations>>;

export interface StoredClients {
  /** Absent: not there, or it cannot be read. All of it is derived, so it is made anew then. */
  readonly document?: ClientsDocument;
  readonly generations?: Generations;
}

export const clients: StoredSecret<StoredClients> = {
  component: 'clients',
  nameOf: (stackName) => namesOf(stackName).clients,
  decode: (texts) => {
    const document = clientsDocument.safeParse(parseJson(texts[files.clients])).data;
    const stored = generations.safeParse(parseJson(texts[GENERATIONS_FILE])).data;
    return { value: { ...(document && { document }), ...(stored && { generations: stored }) } };
  },
  encode: ({ document, generations: stored }) => ({
    ...(document && { [files.clients]: canonical(document) }),
    ...(stored && { [GENERATIONS_FILE]: canonical(stored) }),
  }),
};

/** A cached Secret never changes, and every consumer of a stack asks what is in it. */
const read = new WeakMap<Secret, Seen<StoredClients>>();

export function readClients(stack: StackName, secret: Secret | undefined): Seen<StoredClients> {
  if (!secret) return { state: 'absent' };
  const known = read.get(secret);
  if (known) return known;
  const seen = readStored(clients, stack, secret);
  read.set(secret, seen);
  return seen;
}

export type StoredClient = ClientsDocument['clients'][number];
