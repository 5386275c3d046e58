import { randomUUID } from 'node:crypto';
import { eventually, GivenUp } from './eventually.ts';
import type { Person, Visitor } from './visitor.ts';

/** Somebody who has never been here. */
export function aPerson(): Person {
  return { email: `${randomUUID()}@example.com`, password: `correct horse ${randomUUID()}` };
}

/** Signs somebody up; each call has another access token issued for them. */
export async function accessTokens(visitor: Visitor): Promise<() => Promise<string>> {
  await signSomebodyUp(() => visitor);
  return async () => {
    const { status } = await visitor.post('/api/users/refresh');
    if (status !== 200) throw new Error(`refresh answers ${status}`);
    return visitor.cookie('token');
  };
}

/** Signs up that many people, a few at a time. */
export async function signUpPeople(count: number, visit: () => Visitor): Promise<readonly Person[]> {
  const people: Person[] = [];
  await eachOf(Array.from({ length: count }), async () => void people.push(await signSomebodyUp(visit)));
  return people;
}

/**
 * A 503 asks to come again, and whoever gets one does, as somebody else: nobody knows whether the first is signed up. The service
 * waits 3 s for its database, which no factor stretches on a slow machine. It is noted each time; scenarios that promise
 * that no request fails count their own.
 */
async function signSomebodyUp(visit: () => Visitor): Promise<Person> {
  return eventually(
    async () => {
      const person = aPerson();
      const { status, body } = await visit().signUp(person);
      if (status === 201) return person;
      const message = `sign-up answered ${status}: ${JSON.stringify(body)}`;
      if (status !== 503) throw new GivenUp(message);
      process.stderr.write(`    ${new Date().toISOString()} ${message}\n`);
      throw new Error(message);
    },
    { within: 10 },
  );
}

/** E-mail addresses of those who cannot sign in, with what they were answered. */
export async function whoCannotSignIn(people: readonly Person[], visit: () => Visitor): Promise<readonly string[]> {
  const refused: string[] = [];
  await eachOf(people, async (person) => {
    const { status, body } = await visit().signIn(person);
    if (status !== 200) refused.push(`${person.email}: ${status} ${JSON.stringify(body)}`);
  });
  return refused;
}

async function eachOf<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const waiting = all.values();
  const worker = async (): Promise<void> => {
    for (const one of waiting) await act(one);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}
