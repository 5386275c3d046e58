import type { Request } from 'express';
import { requireSameOrigin } from '../http/csrf.ts';
import { TokenInvalid } from '../tokens/access-token.ts';
import { whyNoToken } from '../tokens/may-hold-token.ts';
import type { Cookies } from './cookies.ts';
import { SessionInvalid, TokenOutlived } from './errors.ts';
import type { SessionPorts } from './grant.ts';
import { useSession } from './present.ts';
import type { Actor } from './present.ts';
import { asSessionToken } from './session-token.ts';

export interface IdentifyPorts {
  readonly session: SessionPorts;
  readonly cookies: Cookies;
  readonly origin: string;
}

const harmless = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Who asks. `Authorization`, where it is present, alone counts: an invalid one never falls back to the cookie.
 * Throws SessionInvalid when nobody is signed in.
 */
export async function identify(request: Request, ports: IdentifyPorts): Promise<Actor> {
  const { authorization } = request.headers;
  if (authorization !== undefined) return bearerOf(authorization, ports.session);

  const cookie = ports.cookies.read(request);
  if (cookie === undefined) throw new SessionInvalid();
  if (!harmless.has(request.method)) requireSameOrigin(request, ports.origin);
  const token = asSessionToken(cookie);
  if (!token) throw new SessionInvalid();
  return useSession(token, 'cookie', ports.session);
}

async function bearerOf(authorization: string, ports: SessionPorts): Promise<Actor> {
  const [, token] = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization) ?? [];
  if (token === undefined) throw new TokenInvalid('Authorization must be Bearer and an access token');
  const { sub, sid, ver } = ports.accessTokens.verify(token);
  const held = await ports.sessions.find(sid);
  if (held?.user?.id !== sub || whyNoToken({ ...held, ver })) throw new TokenOutlived();
  return { user: held.user, session: held.session };
}
