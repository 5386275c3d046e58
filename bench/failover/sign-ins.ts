import { setTimeout as pause } from 'node:timers/promises';
import { aPerson } from '../../test/world/people.ts';
import type { Stack } from '../../test/world/stack.ts';
import type { Person } from '../../test/world/visitor.ts';

/** One sign-in, on performance.now(). */
export interface SignIn {
  readonly at: number;
  /** Milliseconds. */
  readonly took: number;
  /** Undefined when the gateway did not answer. */
  readonly status: number | undefined;
  readonly retryAfter: boolean;
}

const EVERY = 200;

/** Somebody signs in through the gateway each 200 ms, whether the ones before are answered or not. */
export class SignIns implements AsyncDisposable {
  private readonly tried: SignIn[] = [];
  private readonly ending = new AbortController();
  private readonly pending = new Set<Promise<void>>();

  static async start(stack: Stack): Promise<SignIns> {
    const person = aPerson();
    const { status, body } = await stack.visitor().signUp(person);
    if (status !== 201) throw new Error(`sign-up answered ${status}: ${JSON.stringify(body)}`);
    const signIns = new SignIns();
    signIns.track(signIns.run(stack, person));
    return signIns;
  }

  /** Those that began from then on and have ended. */
  since(at: number): readonly SignIn[] {
    return this.tried.filter((one) => one.at >= at);
  }

  /** Throws unless the last ones that ended, of three seconds, all succeeded. */
  succeed(): Promise<void> {
    const recent = this.since(performance.now() - 3_000);
    const failed = recent.filter(({ status }) => status !== 200);
    if (recent.length > 0 && failed.length === 0) return Promise.resolve();
    return Promise.reject(new Error(`${failed.length} of the last ${recent.length} sign-ins failed`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ending.abort();
    await Promise.all(this.pending);
  }

  private async run(stack: Stack, person: Person): Promise<void> {
    while (!this.ending.signal.aborted) {
      this.track(this.signIn(stack, person));
      await pause(EVERY);
    }
  }

  private track(work: Promise<void>): void {
    const tracked = work.finally(() => this.pending.delete(tracked));
    this.pending.add(tracked);
  }

  private async signIn(stack: Stack, person: Person): Promise<void> {
    const at = performance.now();
    const answer = await stack
      .visitor()
      .signIn(person)
      .catch(() => undefined);
    const retryAfter = answer?.headers['retry-after'] !== undefined;
    this.tried.push({ at, took: performance.now() - at, status: answer?.status, retryAfter });
  }
}
