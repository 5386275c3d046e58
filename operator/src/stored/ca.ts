import { namesOf } from '../api/names.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { textsIn } from './secret.ts';
import type { StoredSecret, Texts } from './secret.ts';

/** PEM texts. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

// The keys of a Secret of type kubernetes.io/tls.
const CERTIFICATE = 'tls.crt';
const PRIVATE_KEY = 'tls.key';

/** Secret `<stack>-ca`: the stack's certificate authority. Whether the texts are one is for certificates/ to judge. */
export const certificateAuthority: StoredSecret<KeyPair> = {
  component: 'certificates',
  type: 'kubernetes.io/tls',
  nameOf: (stackName) => namesOf(stackName).ca,
  decode: decodeKeyPair,
  encode: encodeKeyPair,
};

export function decodeKeyPair(texts: Texts): { readonly value: KeyPair } | { readonly why: string } {
  const { [CERTIFICATE]: certificate, [PRIVATE_KEY]: privateKey } = texts;
  if (certificate === undefined) return { why: `it has no ${CERTIFICATE}` };
  return privateKey === undefined ? { why: `it has no ${PRIVATE_KEY}` } : { value: { certificate, privateKey } };
}

export function encodeKeyPair({ certificate, privateKey }: KeyPair): Texts {
  return { [CERTIFICATE]: certificate, [PRIVATE_KEY]: privateKey };
}

/** What whoever trusts the stack needs of it: the certificate alone. */
export function authorityCertificateIn(secret: Secret | undefined): string | undefined {
  return secret && textsIn(secret)[CERTIFICATE];
}
