import { namesOf } from '../api/names.ts';
import { decodeKeyPair, encodeKeyPair } from './ca.ts';
import type { KeyPair } from './ca.ts';
import type { StoredSecret } from './secret.ts';

/** The server certificate of the members' agents, with the authority that they trust. */
export interface AgentTls extends KeyPair {
  /** Certificate, PEM. */
  readonly authority: string;
}

const AUTHORITY = 'ca.crt';

/** Secret `<stack>-mongodb-agent-tls`, as the agents mount it. */
export const agentTls: StoredSecret<AgentTls> = {
  component: 'certificates',
  type: 'kubernetes.io/tls',
  nameOf: (stackName) => namesOf(stackName).agentTls,
  decode: (texts) => {
    const pair = decodeKeyPair(texts);
    if ('why' in pair) return pair;
    const authority = texts[AUTHORITY];
    return authority === undefined ? { why: `it has no ${AUTHORITY}` } : { value: { ...pair.value, authority } };
  },
  encode: ({ authority, ...pair }) => ({ ...encodeKeyPair(pair), [AUTHORITY]: authority }),
};
