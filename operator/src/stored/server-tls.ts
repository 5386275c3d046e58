import { namesOf } from '../api/names.ts';
import type { StackNames } from '../api/names.ts';
import { decodeKeyPair, encodeKeyPair } from './ca.ts';
import type { KeyPair } from './ca.ts';
import type { StoredSecret } from './secret.ts';

/** A server certificate of a stack's pods, with the authority that their clients must be of. */
export interface ServerTls extends KeyPair {
  /** Certificate, PEM. */
  readonly authority: string;
}

const AUTHORITY = 'ca.crt';

/** Secret `<stack>-mongodb-agent-tls`, as the members' agents mount it. */
export const agentTls: StoredSecret<ServerTls> = serverTls('agentTls');

/** Secret `<stack>-auth-tls`, as the auth pods mount it. */
export const authTls: StoredSecret<ServerTls> = serverTls('authTls');

function serverTls(name: keyof StackNames): StoredSecret<ServerTls> {
  return {
    component: 'certificates',
    type: 'kubernetes.io/tls',
    nameOf: (stackName) => namesOf(stackName)[name],
    decode: (texts) => {
      const pair = decodeKeyPair(texts);
      if ('why' in pair) return pair;
      const authority = texts[AUTHORITY];
      return authority === undefined ? { why: `it has no ${AUTHORITY}` } : { value: { ...pair.value, authority } };
    },
    encode: ({ authority, ...pair }) => ({ ...encodeKeyPair(pair), [AUTHORITY]: authority }),
  };
}
