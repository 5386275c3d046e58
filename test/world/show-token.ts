import { request } from 'undici';

/** What became of a token that was shown to a service. */
export type Shown = 'accepted' | { readonly refused: string } | { readonly unanswered: string };

/** A service that takes access tokens, and where it is. */
export interface TakesTokens {
  readonly name: string;
  show(token: string): Promise<Shown>;
}

export interface Resource {
  readonly url: string;
  /** Where the address says nothing of who is meant. */
  readonly host?: string;
}

/** In milliseconds, how long somebody waits. */
const PATIENCE = 5_000;

/**
 * As a bearer: the token alone decides. Of a cookie that is refused a service renews the token by the session, and nobody would
 * ever know.
 */
export async function showToken(token: string, { url, host }: Resource): Promise<Shown> {
  const headers = { authorization: `Bearer ${token}`, ...(host !== undefined && { host }) };
  try {
    const answer = await request(url, { headers, headersTimeout: PATIENCE, bodyTimeout: PATIENCE });
    const text = await answer.body.text();
    if (answer.statusCode === 200) return 'accepted';
    // By a gateway, or a service that cannot ask for keys: nobody has looked at the token.
    if (answer.statusCode === 502 || answer.statusCode === 504) return { unanswered: `${answer.statusCode}` };
    return { refused: `${answer.statusCode} ${codeIn(text)}` };
  } catch (error) {
    return { unanswered: String(error) };
  }
}

function codeIn(text: string): string {
  try {
    return (JSON.parse(text) as { code?: string }).code ?? text;
  } catch {
    return text;
  }
}

interface Parts {
  readonly kid: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** What a token says of itself. */
export function partsOf(token: string): Parts {
  const [header = {}, payload = {}] = token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as { kid?: string; exp?: number });
  if (header.kid === undefined || payload.exp === undefined) throw new Error('this is no access token');
  return { kid: header.kid, expiresAt: payload.exp * 1000 };
}
