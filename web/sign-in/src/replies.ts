import { isRecord } from '@authstack/page/problem.ts';
import { isText, readList } from '@authstack/page/reader.ts';
import type { Reader } from '@authstack/page/reader.ts';

export interface User {
  readonly id: string;
  readonly email: string;
  readonly roles: readonly string[];
  readonly createdAt: string;
}

export const readUser: Reader<User> = (body) => {
  if (!isRecord(body)) return undefined;
  const { id, email, roles, createdAt } = body;
  if (!isText(id) || !isText(email) || !isText(createdAt)) return undefined;
  return { id, email, createdAt, roles: Array.isArray(roles) ? roles.filter(isText) : [] };
};

/** `null` when nobody is signed in. */
export const readCurrentUser: Reader<{ readonly user: User | null }> = (body) => {
  if (!isRecord(body)) return undefined;
  if (body['currentUser'] === null) return { user: null };
  const user = readUser(body['currentUser']);
  return user && { user };
};

/** One of the user's sessions that still holds. */
export interface OpenSession {
  readonly id: string;
  readonly openedAt: string;
  readonly lastUsedAt: string;
  /** Of the browser or the client that opened it. */
  readonly userAgent?: string;
  /** The one of this page. */
  readonly current: boolean;
}

export const readOpenSessions: Reader<readonly OpenSession[]> = (body) =>
  isRecord(body) ? readList(body['sessions'], readOpenSession) : undefined;

const readOpenSession: Reader<OpenSession> = (body) => {
  if (!isRecord(body)) return undefined;
  const { id, openedAt, lastUsedAt, userAgent, current } = body;
  if (!isText(id) || !isText(openedAt) || !isText(lastUsedAt)) return undefined;
  return { id, openedAt, lastUsedAt, current: current === true, ...(isText(userAgent) && { userAgent }) };
};
