import { namesOf } from '../api/names.ts';
import type { StoredSecret } from './secret.ts';

/** Secret `<stack>-mongodb-keyfile`: what the members authenticate each other with, mounted into their pods. */
export interface Keyfile {
  readonly keyfile: string;
}

/** The file that mongod reads, and the key of the Secret that holds it. */
const KEY = 'keyfile';

export const keyfileSecret: StoredSecret<Keyfile> = {
  component: 'mongodb',
  nameOf: (stackName) => namesOf(stackName).keyfile,
  // mongod takes 6 to 1,024 characters of base64 (mongodb.com/docs, "Keyfile Security").
  decode: ({ [KEY]: keyfile = '' }) =>
    /^[A-Za-z0-9+/=\s]{6,1024}$/.test(keyfile)
      ? { value: { keyfile } }
      : { why: `${KEY} is not 6 to 1024 base64 characters` },
  encode: ({ keyfile }) => ({ [KEY]: keyfile }),
};
