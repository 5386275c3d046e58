import type { Millis } from '@authstack/http-service/clock';
import type { Counted, Operation } from './limits.ts';

/** Keyed hash of whoever is counted: neither addresses of people nor of machines are stored. */
export type ThrottleKey = string & { readonly __brand: 'ThrottleKey' };

/** Whose wrong passwords are counted together. */
export interface Subject {
  readonly counted: Counted;
  readonly key: ThrottleKey;
}

export interface Turn {
  readonly granted: boolean;
  /** Until the window ends. */
  readonly wait: Millis;
}

/** Counters that all pods of the stack share. */
export interface ThrottleStore {
  /** Takes points of the operation's window, all or none; what is asked for in vain is lost as well. */
  take(operation: Operation, key: ThrottleKey, points: number): Promise<Turn>;
  /** Of each, in their order. */
  failures(subjects: readonly Subject[]): Promise<readonly number[]>;
  addFailure(subject: Subject): Promise<void>;
  /** One attempt within so many seconds, whichever pod asks first. */
  takeTurn(subject: Subject, seconds: number): Promise<Turn>;
  forget(subject: Subject): Promise<void>;
}
