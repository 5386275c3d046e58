import { quantile } from '../report.ts';
import { send } from './http-client.ts';
import type { Answer } from './http-client.ts';
import { atRate } from './load.ts';
import { parameters } from './parameters.ts';
import { accountOf, fromPage } from './subjects.ts';
import type { Subject } from './subjects.ts';

export interface FloodResult {
  readonly sent: number;
  readonly hashed: number;
  /** By status, of those that were not hashed. */
  readonly refused: Readonly<Record<number, number>>;
  /** Part of the refused that was refused in less than 100 ms, with Retry-After or without a word. */
  readonly quickly: number;
  readonly refreshP99: number;
  readonly jwksP99: number;
  /** Part of an honest user's sign-ins that got in. */
  readonly honest: number;
  readonly honestTries: number;
  readonly honestP99: number;
}

export interface FloodPorts {
  readonly subject: Subject;
  /** Sign-ins a second. */
  readonly perSecond: number;
  readonly refresh: () => Promise<Answer>;
}

const REFUSED_WITHIN = 100;

/** Sign-ins with unknown addresses from a few networks; beside them an honest user of another, a refresh and the key set. */
export async function flood({ subject, perSecond, refresh }: FloodPorts): Promise<FloodResult> {
  const { floodSeconds: seconds, floodPrefixes } = parameters;
  const attack = (turn: number): Promise<Answer> =>
    send({
      port: subject.port,
      method: 'POST',
      path: '/api/users/signin',
      headers: fromPage({ address: `203.0.${turn % floodPrefixes}.${turn % 250}` }),
      body: { email: `nobody${turn}@example.com`, password: 'not the password' },
    });
  const honest = accountOf(0);
  const [attacks, refreshes, keySets, honestly] = await Promise.all([
    atRate(perSecond, seconds, attack),
    atRate(5, seconds, refresh),
    atRate(10, seconds, () => send({ port: subject.port, path: '/.well-known/jwks.json' })),
    atRate(1, seconds, () =>
      subject.signIn(honest).then(
        ({ millis }) => millis,
        () => undefined,
      ),
    ),
  ]);
  const refused = attacks.filter(({ status }) => status !== 401);
  const inside = honestly.filter((millis) => millis !== undefined);
  return {
    sent: attacks.length,
    hashed: attacks.length - refused.length,
    refused: Object.fromEntries(
      [...Map.groupBy(refused, ({ status }) => status)].map(([status, { length }]) => [status, length]),
    ),
    quickly: refused.filter(({ millis }) => millis < REFUSED_WITHIN).length / refused.length,
    refreshP99: quantile(millisOf(refreshes), 0.99),
    jwksP99: quantile(millisOf(keySets), 0.99),
    honest: inside.length / honestly.length,
    honestTries: honestly.length,
    honestP99: quantile(inside, 0.99),
  };
}

function millisOf(answers: readonly Answer[]): number[] {
  return answers.map(({ millis }) => millis);
}
