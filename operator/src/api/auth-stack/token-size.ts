import { COOKIE_BYTES, ownKey, roomForAddressed } from '@authstack/auth-service/token-size';
import type { Rule } from '../rules.ts';
import { signingAlgorithms } from './signing-keys.ts';

const ALGORITHM = 'self.signingKeys.algorithm';
const rooms = signingAlgorithms.map((algorithm) => [algorithm, roomForAddressed(ownKey(algorithm))]);
const ROOM = `${JSON.stringify(Object.fromEntries(rooms))}[${ALGORITHM}]`;

/** As in the JSON of the claims: quotes, and for several audiences commas and brackets. No character of them is escaped there. */
const NEEDED =
  'size(self.publicURL) + 2 + self.auth.audience.map(one, size(one) + 3).sum() + (size(self.auth.audience) == 1 ? -1 : 1)';

/**
 * Of the spec: what the tokens of all users have in them. Plain http, which is for localhost, counts as https, whose cookie has a
 * longer name. The API server lets a stored object be written that a rule finds false, as long as its spec stays; not one whose
 * fields the rule cannot read, its status neither. So no later version may give these fields another type. No guard helps: has(),
 * type() and dyn() of a field whose stored type is wrong fail as the field does (seen with 1.36.3).
 */
export const tokensFitACookie: Rule = {
  rule: `${NEEDED} <= ${ROOM}`,
  message: 'publicURL and auth.audience must leave a token short enough for a cookie; remove or shorten audiences',
  messageExpression:
    "'publicURL and auth.audience need %d bytes of a token that is signed by %s, and %d are left: browsers drop a cookie of more " +
    `than ${COOKIE_BYTES}; remove or shorten audiences, or choose another signingKeys.algorithm'.format([${NEEDED}, ${ALGORITHM}, ${ROOM}])`,
};
