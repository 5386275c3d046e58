import { randomUUID } from 'node:crypto';
import type { Person, Visitor } from './visitor.ts';

/** Somebody who has never been here. */
export function aPerson(): Person {
  return { email: `${randomUUID()}@example.com`, password: `correct horse ${randomUUID()}` };
}

/** Signs somebody up; each call has another access token issued for them. */
export async function accessTokens(visitor: Visitor): Promise<() => Promise<string>> {
  const { status: signedUp } = await visitor.signUp(aPerson());
  if (signedUp !== 201) throw new Error(`sign-up answers ${signedUp}`);
  return async () => {
    const { status } = await visitor.post('/api/users/refresh');
    if (status !== 200) throw new Error(`refresh answers ${status}`);
    return visitor.cookie('token');
  };
}

/** Signs up that many people, a few at a time. */
export async function signUpPeople(count: number, visit: () => Visitor): Promise<readonly Person[]> {
  const people = Array.from({ length: count }, aPerson);
  await eachOf(people, async (person) => {
    const { status, body } = await visit().signUp(person);
    if (status !== 201) throw new Error(`sign-up answered ${status}: ${JSON.stringify(body)}`);
  });
  return people;
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

async function eachOf(people: readonly Person[], act: (person: Person) => Promise<void>): Promise<void> {
  const waiting = [...people];
  const worker = async (): Promise<void> => {
    for (let person = waiting.shift(); person; person = waiting.shift()) await act(person);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}
