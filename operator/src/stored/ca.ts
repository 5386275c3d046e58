import { namesOf } from '../api/names.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { textsIn } from './secret.ts';
import type { StoredSecret, Texts } from './secret.ts';

/** PEM texts. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** The keys of a Secret of type kubernetes.io/tls. */
export const tlsKeys = { certificate: 'tls.crt', privateKey: 'tls.key' } as const;

/** Secret `<stack>-ca`: the stack's certificate authority. Whether the texts are one is for certificates/ to judge. */
export const certificateAuthority: StoredSecret<KeyPair> = {
  component: 'certificates',
  type: 'kubernetes.io/tls',
  nameOf: (stackName) => namesOf(stackName).ca,
  decode: decodeKeyPair,
  encode: encodeKeyPair,
};

export function decodeKeyPair(texts: Texts): { readonly value: KeyPair } | { readonly why: string } {
  const { [tlsKeys.certificate]: certificate, [tlsKeys.privateKey]: privateKey } = texts;
  if (certificate === undefined) return { why: `it has no ${tlsKeys.certificate}` };
  return privateKey === undefined ? { why: `it has no ${tlsKeys.privateKey}` } : { value: { certificate, privateKey } };
}

export function encodeKeyPair({ certificate, privateKey }: KeyPair): Texts {
  return { [tlsKeys.certificate]: certificate, [tlsKeys.privateKey]: privateKey };
}

/** What whoever trusts the stack needs of it: the certificate alone. */
export function authorityCertificateIn(secret: Secret | undefined): string | undefined {
  return secret && textsIn(secret)[tlsKeys.certificate];
}
