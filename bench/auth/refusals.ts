import { MongoClient } from 'mongodb';
import { authContract } from '../../services/auth/src/api.ts';
import { quantile } from '../report.ts';
import { sendExpecting } from './http-client.ts';
import { accountOf, fromPage } from './subjects.ts';
import type { Subject } from './subjects.ts';

/** Milliseconds until the refusal, as a client sees it. */
export interface Refusals {
  readonly unknown: number;
  readonly wrongPassword: number;
  readonly pepperGone: number;
}

export interface RefusalsOf {
  readonly subject: Subject;
  readonly databaseUri: string;
  /** Those that have signed up; the second half of them is not worth anything afterwards. */
  readonly accounts: number;
  readonly rounds: number;
}

/** One after the other in turns, each from a network that nobody has guessed from; medians. */
export async function refusals({ subject, databaseUri, accounts, rounds }: RefusalsOf): Promise<Refusals> {
  const half = Math.floor(accounts / 2);
  await forgetPeppersOf(
    databaseUri,
    Array.from({ length: half }, (_, index) => accountOf(half + index).email),
  );
  const measured = { unknown: [] as number[], wrongPassword: [] as number[], pepperGone: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    const emails = {
      unknown: `nobody${round}@example.com`,
      wrongPassword: accountOf(round % half).email,
      pepperGone: accountOf(half + (round % half)).email,
    };
    for (const [index, name] of (['unknown', 'wrongPassword', 'pepperGone'] as const).entries()) {
      const network = round * 3 + index;
      const answer = await sendExpecting(401, {
        port: subject.port,
        method: 'POST',
        path: '/api/users/signin',
        headers: fromPage({ address: `100.${64 + (network >> 8)}.${network & 255}.7` }),
        body: { email: emails[name], password: 'a wrong one' },
      });
      measured[name].push(answer.millis);
    }
  }
  return {
    unknown: quantile(measured.unknown, 0.5),
    wrongPassword: quantile(measured.wrongPassword, 0.5),
    pepperGone: quantile(measured.pepperGone, 0.5),
  };
}

async function forgetPeppersOf(uri: string, emails: readonly string[]): Promise<void> {
  const client = await new MongoClient(uri).connect();
  try {
    const users = client.db(authContract.defaultDatabase).collection(authContract.usersCollection);
    const password = { $replaceOne: { input: '$password', find: 'p1:', replacement: 'gone:' } };
    await users.updateMany({ email: { $in: [...emails] } }, [{ $set: { password, pepperId: 'gone' } }]);
  } finally {
    await client.close();
  }
}
