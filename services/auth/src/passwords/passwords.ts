import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { NotReady } from '../errors.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { SecretKey, Secrets } from '../secrets/secrets.ts';
import type { HashQueue } from './hash-queue.ts';
import { Overloaded } from './hash-queue.ts';

/** `<pepper id>:<PHC string>` */
export type PasswordHash = string & { readonly __brand: 'PasswordHash' };

export interface Passwords {
  hash(password: string): Promise<PasswordHash>;
  /** Costs one hash even when there is nothing to compare with, so timing does not reveal who has an account. */
  matches(password: string, stored: PasswordHash | undefined): Promise<boolean>;
  /** Makes the decoy hash for unknown addresses. Every comparison waits for it, so the first one reveals nothing either. */
  prepare(): Promise<void>;
}

export class PepperMissing extends Error {
  override readonly name: string = 'PepperMissing';
}

export interface PasswordPorts {
  readonly queue: HashQueue;
  readonly secrets: () => Secrets | undefined;
  readonly metrics: Metrics;
}

const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export function createPasswords({ queue, secrets, metrics }: PasswordPorts): Passwords {
  let decoy: PasswordHash | undefined;

  function peppers(): Secrets['pepper'] {
    const loaded = secrets();
    if (!loaded) throw new NotReady('the pepper is');
    return loaded.pepper;
  }

  async function timed<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await queue.run(async () => {
        const done = metrics.hashDuration.startTimer();
        const result = await work();
        done();
        return result;
      });
    } catch (error) {
      if (error instanceof Overloaded) metrics.hashesRefused.inc();
      throw error;
    }
  }

  async function make(password: string): Promise<PasswordHash> {
    const pepper = peppers().current;
    const phc = await timed(() => hash(password, { ...cost, secret: pepper.bytes }));
    return `${pepper.id}:${phc}` as PasswordHash;
  }

  async function prepare(): Promise<void> {
    decoy ??= await make(randomBytes(24).toString('base64'));
  }

  return {
    hash: make,
    prepare,
    async matches(password, stored) {
      await prepare();
      const { pepper, phc } = taken(stored ?? decoy, peppers());
      const equal = await timed(() => verify(phc, password, { secret: pepper.bytes }));
      return equal && stored !== undefined;
    },
  };
}

export function pepperIdOf(stored: PasswordHash): string {
  return stored.split(':', 1)[0] ?? '';
}

function taken(stored: PasswordHash | undefined, peppers: Secrets['pepper']): { pepper: SecretKey; phc: string } {
  const [id = '', phc = ''] = stored?.split(':', 2) ?? [];
  const pepper = peppers.find(id);
  if (!pepper) throw new PepperMissing(`verify a password: pepper ${id} is not among the secrets`);
  return { pepper, phc };
}
