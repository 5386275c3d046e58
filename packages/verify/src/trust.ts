import { parseClockSkew } from './clock-skew.ts';
import { MountUnusable } from './errors.ts';
import { isRecord, parseJson } from './json.ts';
import { readKeySet } from './jwks.ts';
import type { KeySet } from './jwks.ts';
import type { Accepted } from './token.ts';

/** The mounted Secret, parsed: whose tokens to accept, and where to ask for new ones. */
export interface Trust extends KeySet, Accepted {
  /** The one origin whose pages may send cookies with requests that change something. */
  readonly origin: string;
  readonly cookieNames: { readonly token: string; readonly session: string };
  /** The auth service within the cluster. */
  readonly authUrl: string;
  /** The stack's own CA, PEM. */
  readonly ca: string | undefined;
  /** How far the stack promises that clocks differ at most, in seconds; undefined: an older operator wrote the Secret. */
  readonly clockSkew: number | undefined;
  /** By which the auth service knows this service; undefined: an older operator wrote the Secret. */
  readonly clientId: string | undefined;
  /** Absent where a ServiceAccount's token takes its place. */
  readonly clientSecret: string | undefined;
}

/** The files of the Secret that an AuthConsumer makes. */
export const trustFiles = [
  'jwks.json',
  'issuer',
  'origin',
  'audience',
  'cookie-names',
  'auth-url',
  'ca.crt',
  'clock-skew-seconds',
  'client-id',
  'client-secret',
] as const;
export type TrustFile = (typeof trustFiles)[number];
export type TrustFiles = Readonly<Partial<Record<TrustFile, string>>>;

/** Throws MountUnusable, which names the file and never repeats what is in it. */
export function parseTrust(files: TrustFiles): Trust {
  return {
    ...keySetOf(files),
    issuer: textOf('issuer', files),
    origin: originOf(files),
    audiences: [textOf('audience', files)],
    cookieNames: cookieNamesOf(files),
    authUrl: authUrlOf(files),
    ca: files['ca.crt'],
    clockSkew: parseClockSkew(files['clock-skew-seconds']),
    clientId: visibleText(files['client-id']),
    clientSecret: visibleText(files['client-secret']),
  };
}

function textOf(file: TrustFile, files: TrustFiles): string {
  const text = files[file]?.trim();
  if (text === undefined) throw new MountUnusable(`${file} is missing`);
  if (text === '') throw new MountUnusable(`${file} is empty`);
  return text;
}

function originOf(files: TrustFiles): string {
  const text = textOf('origin', files);
  if (!URL.canParse(text) || new URL(text).origin !== text) throw new MountUnusable('origin is not an origin');
  return text;
}

function authUrlOf(files: TrustFiles): string {
  const text = textOf('auth-url', files);
  const isHttp = URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
  if (!isHttp) throw new MountUnusable('auth-url is not an http or https URL');
  return text.replace(/\/+$/, '');
}

/**
 * Undefined for what no header can carry. Neither that nor its absence makes the Secret unusable: its keys verify tokens all the
 * same.
 */
function visibleText(text: string | undefined): string | undefined {
  const trimmed = text?.trim() ?? '';
  return /^[\x21-\x7e]{1,1024}$/.test(trimmed) ? trimmed : undefined;
}

const COOKIE_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function cookieNamesOf(files: TrustFiles): Trust['cookieNames'] {
  const names = parseJson(textOf('cookie-names', files));
  const { token, session } = isRecord(names) ? names : {};
  if (!isCookieName(token) || !isCookieName(session)) {
    throw new MountUnusable('cookie-names is not {"token": …, "session": …}');
  }
  return { token, session };
}

function isCookieName(value: unknown): value is string {
  return typeof value === 'string' && COOKIE_NAME.test(value);
}

function keySetOf(files: TrustFiles): KeySet {
  const set = readKeySet(parseJson(textOf('jwks.json', files)));
  if (!set) throw new MountUnusable('jwks.json is not {"keys": […]}');
  return set;
}
