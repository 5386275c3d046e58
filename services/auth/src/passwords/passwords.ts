import { randomBytes } from 'node:crypto';
import { NotReady } from '../errors.ts';
import { notCounted } from '../http/patience.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { Overloaded } from './admission.ts';
import type { Admission, Applicant, Place } from './admission.ts';
import type { HashJob, HashResult } from './hash-job.ts';
import type { HashThreads } from './hash-threads.ts';

/** `<pepper id>:<PHC string>` */
export type PasswordHash = string & { readonly __brand: 'PasswordHash' };

export interface Passwords {
  /** Gives the applicant a place for one hash, or throws Overloaded at once; all that a sign-in costs belongs into `work`. */
  admit<T>(applicant: Applicant, work: (hashing: Hashing) => Promise<T>): Promise<T>;
  /** The first hash of a thread takes twice as long as the second: it is made here. */
  prepare(): Promise<void>;
}

export interface Hashing {
  hash(password: string): Promise<PasswordHash>;
  /** Costs one hash even when there is nothing to compare with, so timing does not reveal who has an account. */
  verify(password: string, stored: PasswordHash | undefined): Promise<Verdict>;
}

export interface Verdict {
  readonly matches: boolean;
  /** The right password under the current pepper, where the stored hash has an older one. */
  readonly renewed?: PasswordHash | undefined;
}

export interface PasswordPorts {
  readonly admission: Admission;
  readonly threads: HashThreads;
  readonly secrets: () => Secrets | undefined;
  readonly metrics: Metrics;
}

/** What no password matches, for addresses without an account: it needs no pepper, so none can be missing for it. */
const decoy = `$argon2id$v=19$m=19456,t=2,p=1$${unpadded(16)}$${unpadded(32)}`;

export function createPasswords({ admission, threads, secrets, metrics }: PasswordPorts): Passwords {
  function peppers(): Secrets['pepper'] {
    const loaded = secrets();
    if (!loaded) throw new NotReady('the pepper is');
    return loaded.pepper;
  }

  async function timed(job: HashJob): Promise<HashResult> {
    const done = metrics.hashDuration.startTimer();
    const result = await threads.run(job);
    done();
    return result;
  }

  function hashingAt(place: Place): Hashing {
    const turn: Place['turn'] = (hash) => notCounted(() => place.turn(hash));
    return {
      async hash(password) {
        const { id, bytes } = peppers().current;
        const { phc } = await turn(() => timed({ type: 'hash', password, pepper: bytes }));
        return asStored(id, phc);
      },

      async verify(password, stored) {
        const ring = peppers();
        const { current } = ring;
        const [id = '', phc = decoy] = stored?.split(':', 2) ?? [];
        const pepper = ring.find(id);
        // Without its pepper a hash is worth nothing: whoever asks is answered as for an address that nobody has.
        const known = pepper ? { phc, pepper: pepper.bytes } : { phc: decoy, pepper: current.bytes };
        const renewWith = pepper && pepper.id !== current.id ? current.bytes : undefined;
        const result = await turn(() => timed({ type: 'verify', password, ...known, renewWith }));
        return {
          matches: result.isEqual,
          ...(result.phc !== undefined && { renewed: asStored(current.id, result.phc) }),
        };
      },
    };
  }

  return {
    async admit(applicant, work) {
      try {
        return await admission.admit(applicant, (place) => work(hashingAt(place)));
      } catch (error) {
        if (error instanceof Overloaded) metrics.hashesRefused.inc();
        throw error;
      }
    },

    async prepare() {
      const first: HashJob = { type: 'hash', password: '', pepper: randomBytes(32) };
      await Promise.all(Array.from({ length: threads.count }, () => threads.run(first)));
    },
  };
}

function asStored(pepperId: string, phc: string | undefined): PasswordHash {
  if (phc === undefined) throw new TypeError('a hashing thread made no hash');
  return `${pepperId}:${phc}` as PasswordHash;
}

export function pepperIdOf(stored: PasswordHash): string {
  return stored.split(':', 1)[0] ?? '';
}

/** As PHC strings have it. */
function unpadded(bytes: number): string {
  return randomBytes(bytes).toString('base64').replace(/=+$/, '');
}
