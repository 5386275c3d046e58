import { inspect } from 'node:util';
import { MAX_CLOCK_SKEW } from './clock-skew.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { VerifierEvent } from './events.ts';
import { isRecord } from './json.ts';

export interface VerifierOptions {
  /** Where the Secret of an AuthConsumer is mounted, as a whole: a `subPath` would never see a new key. */
  readonly directory: string;
  /**
   * Where a ServiceAccount's token for the stack is mounted, which shows the auth service who this service is. Default: the
   * client secret of the Secret does, and where it has none the file `token` in `directory`.
   */
  readonly tokenFile?: string;
  /**
   * How far the clocks of two nodes may differ, 0 to 600. Default: the stack's `propagation.clockSkew`, which the Secret
   * carries; more than that is never allowed.
   */
  readonly clockSkewSeconds?: number;
  /** How many verified tokens are kept until they expire, so that each is verified once; 0 to 1,000,000. Default 10,000. */
  readonly cacheSize?: number;
  /**
   * Whether the auth service may tell of new and revoked keys at once, over a connection that this service holds; false: they come
   * by the mount alone, a minute or two later. Default true; without anything to show the auth service there is none.
   */
  readonly feed?: boolean;
  /** For logs and metrics. Never called with a token; what it throws is a warning of the process, once. */
  readonly report?: (event: VerifierEvent) => void;
  /** For tests. */
  readonly clock?: Clock;
}

/** Options that were looked at: every one is there, and is what its type says. */
export type CheckedOptions = Required<Omit<VerifierOptions, 'clockSkewSeconds' | 'tokenFile'>> & {
  /** Undefined: as `directory` has it. */
  readonly tokenFile: string | undefined;
  /** Undefined: as the Secret says. */
  readonly clockSkewSeconds: number | undefined;
};

const MAX_CACHE_SIZE = 1_000_000;

interface Option<T> {
  /** Absent: it must be given. */
  readonly otherwise?: T;
  /** Completes "must be". */
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
}

const options: { readonly [Name in keyof CheckedOptions]: Option<CheckedOptions[Name]> } = {
  directory: { allowed: 'the path of a directory', accepts: (value) => typeof value === 'string' && value !== '' },
  tokenFile: optional({ allowed: 'the path of a file', accepts: (value) => typeof value === 'string' && value !== '' }),
  clockSkewSeconds: optional(wholeNumber(MAX_CLOCK_SKEW)),
  cacheSize: { otherwise: 10_000, ...wholeNumber(MAX_CACHE_SIZE) },
  feed: { otherwise: true, allowed: 'true or false', accepts: (value) => typeof value === 'boolean' },
  report: { otherwise: () => undefined, allowed: 'a function', accepts: isFunction },
  clock: {
    otherwise: systemClock,
    allowed: 'an object with the functions now and after',
    accepts: (value) => isRecord(value) && isFunction(value['now']) && isFunction(value['after']),
  },
};

function wholeNumber(max: number): Option<number> {
  return {
    allowed: `a whole number from 0 to ${max}`,
    accepts: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max,
  };
}

function optional<T>({ allowed, accepts }: Option<T>): Option<T | undefined> {
  return { allowed, accepts: (value) => value === undefined || accepts(value) };
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/**
 * Throws a TypeError that names the option, what it is, and what it may be. Callers in JavaScript pass what the environment
 * held, and a skew of '10' would be joined to a time as text.
 */
export function checkOptions(given: unknown): CheckedOptions {
  if (!isRecord(given)) throw new TypeError(`createVerifier: options must be an object, not ${shown(given)}`);
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(options, name));
  if (unknown !== undefined) {
    throw new TypeError(
      `createVerifier: there is no option ${shown(unknown)}, only ${Object.keys(options).join(', ')}`,
    );
  }
  return {
    directory: checked('directory', given),
    tokenFile: checked('tokenFile', given),
    clockSkewSeconds: checked('clockSkewSeconds', given),
    cacheSize: checked('cacheSize', given),
    feed: checked('feed', given),
    report: checked('report', given),
    clock: checked('clock', given),
  };
}

type Options = Readonly<Record<string, unknown>>;

function checked<Name extends keyof CheckedOptions>(name: Name, given: Options): CheckedOptions[Name] {
  const { otherwise, allowed, accepts } = options[name];
  const value = given[name] === undefined ? otherwise : given[name];
  if (!accepts(value)) {
    throw new TypeError(`createVerifier: option ${name} is ${shown(value)}; it must be ${allowed}`);
  }
  return value as CheckedOptions[Name];
}

/** '10' and 10 are told apart; nothing of the value is run. */
function shown(value: unknown): string {
  return inspect(value, { customInspect: false, depth: -1, maxStringLength: 80, breakLength: Infinity });
}
