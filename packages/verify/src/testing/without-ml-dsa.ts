import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/*
 * Loaded before a program (`node --import`), it takes ML-DSA out of node:crypto: with it the program sees what it would see on Node.js 22,
 * whose createPublicKey refuses key type AKP with the same code.
 */

const { createPublicKey } = crypto;

crypto.createPublicKey = (...[input]: Parameters<typeof createPublicKey>) => {
  const { key } = (typeof input === 'object' ? input : {}) as { readonly key?: { readonly kty?: unknown } };
  if (key?.kty !== 'AKP') return createPublicKey(input);
  const message = "The property 'key.kty' must be one of: 'RSA', 'EC', 'OKP'. Received 'AKP'";
  throw Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' });
};
syncBuiltinESMExports();
