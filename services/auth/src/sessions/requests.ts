import { z } from 'zod';
import { presentedPassword } from '../passwords/password.ts';
import { emailField } from '../users/email.ts';
import { roles } from '../users/user.ts';

/** Of every operation with a body. */
export const unreadable = ['VALIDATION_FAILED', 'MALFORMED_JSON', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const;

export const signInRequest = z.strictObject({ email: emailField, password: presentedPassword });

/** A browser's session is in its cookie; its body is empty. */
export const emptyRequest = z.strictObject({}).optional();

export const bodyRefreshRequest = z.strictObject({
  session_token: z.string().max(256).meta({ description: 'The newest session token this client was given.' }),
});

export const renewalRequest = z.strictObject({
  session_token: z.string().max(1_024).meta({ description: "What the caller's browser sent as its session cookie." }),
});

export const signOutQuery = z.strictObject({
  everywhere: z.enum(['true', 'false'], 'must be true or false').exactOptional(),
});

export const sessionIdParameter = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{22}$/, 'must be the id of a session'),
});

export const userReply = z
  .object({ id: z.string(), email: z.string(), roles: z.array(z.enum(roles)), createdAt: z.iso.datetime() })
  .meta({ description: 'The user as it sees itself.' });
export const currentUserReply = z.object({ currentUser: userReply.nullable() });
export const refreshReply = z.object({
  currentUser: userReply,
  expiresIn: z.int().meta({ description: 'Seconds until the access token expires.' }),
});
export const tokensReply = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int(),
  session_token: z.string(),
});
export const renewalReply = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int().meta({ description: 'Seconds until the access token expires.' }),
  session_expires_in: z.int().meta({ description: 'Seconds until the session ends: how long the cookie lasts.' }),
});
export const sessionsReply = z.object({
  sessions: z.array(
    z.object({
      id: z.string(),
      openedAt: z.iso.datetime(),
      lastUsedAt: z.iso.datetime(),
      expiresAt: z.iso.datetime(),
      userAgent: z.string().exactOptional(),
      current: z.boolean().meta({ description: 'It is the one that asks.' }),
    }),
  ),
});
export type SessionsReply = z.infer<typeof sessionsReply>;
export type TokensReply = z.infer<typeof tokensReply>;
