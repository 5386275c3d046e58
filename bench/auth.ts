import { hashSync, verifySync } from '@node-rs/argon2';
import { MongoClient } from 'mongodb';
import { startReplicaSet } from '../test/support/mongod.ts';
import type { Mongod } from '../test/support/mongod.ts';
import { flood } from './auth/flood.ts';
import { cookiesOf, sendExpecting } from './auth/http-client.ts';
import type { Answer } from './auth/http-client.ts';
import { medianRate, rateOf } from './auth/load.ts';
import type { Rate } from './auth/load.ts';
import { parameters } from './auth/parameters.ts';
import { accountOf, fromPage, startAuthService, startBetterAuth } from './auth/subjects.ts';
import { refusals } from './auth/refusals.ts';
import type { Subject } from './auth/subjects.ts';
import { Report, quantile, seconds } from './report.ts';

/** `make bench-auth`: the auth service of the image and Better Auth before the same mongod, one after the other in turns. */
const report = new Report('auth');

async function main(): Promise<void> {
  await using database = await startReplicaSet(1);
  const mongod = await database.primary();
  await using ours = await startAuthService(database.uri);
  await using peer = await startBetterAuth(database.uri);
  for (const subject of [ours, peer]) {
    for (let index = 0; index < parameters.accounts; index += 1) await subject.signUp(accountOf(index));
  }
  const capacity = await measureSignIns({ ours, peer, mongod });
  await measureSteps(ours, mongod);
  await measureReads(ours, mongod);
  await measureRefreshes(ours, mongod);
  await measureFlood(ours, capacity);
  await measureRefusals(ours, database.uri);
  await write();
}

/** CPU of one hash where nothing else is done, by the parameters of both sides. */
function bareHash(): number {
  const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1, secret: Buffer.alloc(32, 1) };
  const stored = hashSync('password', cost);
  const turns = 30;
  const before = process.cpuUsage();
  for (let turn = 0; turn < turns; turn += 1) verifySync(stored, 'password', cost);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / turns;
}

interface Sides {
  readonly ours: Subject;
  readonly peer: Subject;
  readonly mongod: Mongod;
}

async function measureSignIns({ ours, peer, mongod }: Sides): Promise<number> {
  const hashes: number[] = [];
  const rates = new Map<Subject, Rate[]>([
    [ours, []],
    [peer, []],
  ]);
  for (let round = 0; round < parameters.rounds; round += 1) {
    hashes.push(bareHash());
    for (const [server, measured] of rates) {
      const one = (connection: number, turn: number): Promise<Answer> =>
        server.signIn(accountOf((connection + turn * parameters.connections) % parameters.accounts));
      measured.push(await rateOf({ server, mongod }, one));
    }
  }
  const hash = quantile(hashes, 0.5);
  const [mine, theirs] = [medianRate(rates.get(ours) ?? []), medianRate(rates.get(peer) ?? [])];
  report.add({ what: 'a hash alone', measured: cpu(hash) });
  report.add({ what: 'sign-in', measured: shown(mine) });
  report.add({
    what: 'sign-in, CPU of the server above the hash',
    measured: cpu(mine.serverCpu - hash),
    budget: '≤ 2 ms',
    kept: mine.serverCpu - hash <= 2,
  });
  // Where the cores are shared with another hash, mongod and the clients, a hash costs more than one that has its core to itself.
  report.add({
    what: 'sign-in, CPU of its hashing threads beside that load; of all its other threads',
    measured: `${cpu(mine.hashingCpu)}; ${cpu(mine.serverCpu - mine.hashingCpu)}`,
  });
  report.add({ what: 'sign-in at Better Auth 1.7.25, the same hash and database', measured: shown(theirs) });
  const ratio = mine.perSecond / theirs.perSecond;
  report.add({
    what: 'sign-ins against Better Auth',
    measured: `${ratio.toFixed(2)} × (CPU of server and mongod: ${(totalCpu(theirs) / totalCpu(mine)).toFixed(2)} ×)`,
    budget: '≥ 2.5 ×',
    kept: ratio >= 2.5,
  });
  return mine.perSecond;
}

/** What one sign-in asks of the database. */
async function measureSteps(ours: Subject, mongod: Mongod): Promise<void> {
  const client = await new MongoClient(mongod.uri).connect();
  try {
    const count = async (): Promise<Record<string, number>> => {
      const { opcounters, metrics } = await client.db('admin').command({ serverStatus: 1 });
      const { query, insert, update } = opcounters as Record<string, number>;
      const waited = (metrics as { getLastError: { wtime: { num: number } } }).getLastError.wtime.num;
      return {
        reads: query ?? 0,
        inserts: insert ?? 0,
        updates: update ?? 0,
        'writes that wait for a majority': waited,
      };
    };
    const turns = 50;
    const before = await count();
    for (let turn = 0; turn < turns; turn += 1) await ours.signIn(accountOf(turn % parameters.accounts));
    const after = await count();
    const each = Object.keys(before).map(
      (name) => `${(((after[name] ?? 0) - (before[name] ?? 0)) / turns).toFixed(1)} ${name}`,
    );
    report.add({ what: 'database, for each sign-in', measured: each.join(', ') });
  } finally {
    await client.close();
  }
}

async function measureReads(ours: Subject, mongod: Mongod): Promise<void> {
  const account = accountOf(1);
  const signedIn = await ours.signIn(account);
  const token = /(?:^|; )token=([^;]+)/.exec(cookiesOf(signedIn))?.[1] ?? '';
  const { port } = ours;
  const bearer = { authorization: `Bearer ${token}`, 'x-forwarded-for': account.address };
  const asked = await rateOf({ server: ours, mongod }, () =>
    sendExpecting(200, { port, path: '/api/users/currentuser', headers: bearer }),
  );
  report.add({
    what: 'currentuser by bearer',
    measured: shown(asked),
    budget: '≥ 1,500/s',
    kept: asked.perSecond >= 1_500,
  });
  const keys = await rateOf({ server: ours, mongod }, () =>
    sendExpecting(200, { port, path: '/.well-known/jwks.json' }),
  );
  report.add({ what: 'JWKS', measured: shown(keys), budget: '≥ 10,000/s', kept: keys.perSecond >= 10_000 });
}

/** A session whose next token is that of the last answer. */
async function session(subject: Subject, index: number): Promise<() => Promise<Answer>> {
  const account = accountOf(index);
  let cookie = cookiesOf(await subject.signIn(account));
  return async () => {
    const headers = { ...fromPage(account), cookie };
    const answer = await sendExpecting(200, {
      port: subject.port,
      method: 'POST',
      path: '/api/users/refresh',
      headers,
    });
    cookie = cookiesOf(answer);
    return answer;
  };
}

async function measureRefreshes(ours: Subject, mongod: Mongod): Promise<void> {
  const sessions: (() => Promise<Answer>)[] = [];
  for (let index = 0; index < parameters.connections; index += 1) sessions.push(await session(ours, index));
  const rate = await rateOf({ server: ours, mongod }, async (connection) => sessions[connection]?.());
  report.add({ what: 'refresh', measured: shown(rate), budget: '≥ 250/s', kept: rate.perSecond >= 250 });
}

async function measureFlood(ours: Subject, capacity: number): Promise<void> {
  const perSecond = capacity * parameters.floodFactor;
  const refresh = await session(ours, 2);
  let last: Promise<unknown> = Promise.resolve();
  // One session has one chain: each refresh follows the one before.
  const inTurn = (): Promise<Answer> => {
    const next = last.then(refresh);
    last = next.catch(() => undefined);
    return next;
  };
  const seen = await flood({ subject: ours, perSecond, refresh: inTurn });
  const flooded = `flood of ${Math.round(perSecond)} sign-ins/s`;
  report.add({
    what: flooded,
    measured: `${seen.sent} sent, ${seen.hashed} hashed, refused by status ${JSON.stringify(seen.refused)}`,
  });
  report.add({
    what: 'beside it: refresh p99, JWKS p99',
    measured: `${seconds(seen.refreshP99)}, ${seconds(seen.jwksP99)}`,
    budget: '< 50 ms',
    kept: Math.max(seen.refreshP99, seen.jwksP99) < 50,
  });
  report.add({
    what: 'beside it: refused in < 100 ms',
    measured: percent(seen.quickly),
    budget: '≥ 95 %',
    kept: seen.quickly >= 0.95,
  });
  report.add({
    what: 'beside it: an honest user of another network gets in',
    measured: `${percent(seen.honest)} of ${seen.honestTries} (p99 ${seconds(seen.honestP99)})`,
    budget: '≥ 95 %',
    kept: seen.honest >= 0.95,
  });
}

/** Last, for it takes the passwords of some accounts away. */
async function measureRefusals(ours: Subject, databaseUri: string): Promise<void> {
  const { accounts, refusalRounds: rounds } = parameters;
  const times = await refusals({ subject: ours, databaseUri, accounts, rounds });
  const all: readonly number[] = [times.unknown, times.wrongPassword, times.pepperGone];
  report.add({
    what: 'time of refusal: unknown address, wrong password, pepper gone',
    measured: `${all.map(millis).join(', ')} (at most ${millis(Math.max(...all) - Math.min(...all))} apart)`,
  });
}

function millis(time: number): string {
  return `${time.toFixed(1)} ms`;
}

function shown({ perSecond, serverCpu, mongodCpu }: Rate): string {
  const rate = perSecond < 100 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString('en');
  return `${rate}/s, ${cpu(serverCpu)} server + ${cpu(mongodCpu)} mongod`;
}

function cpu(time: number): string {
  return `${time.toFixed(time < 1 ? 3 : 2)} CPU-ms`;
}

function totalCpu({ serverCpu, mongodCpu }: Rate): number {
  return serverCpu + mongodCpu;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

async function write(): Promise<void> {
  await report.write({
    title: 'The auth service',
    about: [
      '`make bench-auth` writes this page. The auth service of the image and Better Auth as processes of their own, before a real',
      'mongod (a replica set of one member) on the same machine, which also carries the client; the sides take turns, and medians count.',
    ],
    parameters,
  });
}

await main();
