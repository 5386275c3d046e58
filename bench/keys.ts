import { durationMillis } from '../operator/src/api/duration.ts';
import { authContract } from '../services/auth/src/api.ts';
import { ORIGIN } from '../services/auth/src/testing/world.ts';
import { Consumers } from './keys/consumers.ts';
import type { ConsumerName, ConsumerReport, Token } from './keys/consumers.ts';
import type { Publication } from './keys/key-watch.ts';
import { measureConnections } from './keys/measure-connections.ts';
import { measureRevocation } from './keys/measure-revocation.ts';
import { parameters } from './keys/parameters.ts';
import { TokenSource } from './keys/tokens.ts';
import { AUDIENCE, World } from './keys/world.ts';
import { Report, quantile, seconds } from './report.ts';

/** `make bench-keys`: keys rotate and are revoked while services verify tokens, and nobody's valid token is refused. */
const report = new Report('keys');
const interval = durationMillis(parameters.rotationInterval);

/** The consumer of the service that has no feed. */
const MOUNTS_ALONE = 2;

async function main(): Promise<void> {
  await using world = await World.start();
  await world.consumersBecome(parameters.rotations[0]?.consumers ?? 0);
  await using consumers = await startConsumers(world);
  const { rotationInterval } = parameters;
  await measureConnections(world, { report, afterIdle: () => world.patch({ signingKeys: { rotationInterval } }) });
  const tokens = await rotate(world, consumers);
  const reports = await consumers.reports();
  reportVerifications(reports, tokens);
  reportDistribution(world.parts.keys.published, reports);
  await write();
}

async function startConsumers(world: World): Promise<Consumers> {
  const { verificationsPerSecond: perSecond } = parameters;
  const directories = await Promise.all([0, 1, MOUNTS_ALONE].map((index) => world.mountOfConsumer(index)));
  const [connected = '', uncached = '', alone = ''] = directories;
  const verify = { by: 'verify', feed: true, cacheSize: 0, perSecond } as const;
  const { publicPort: port, jwksPath: path } = authContract;
  const hosts = world.parts.pods.map(({ address }) => address);
  return Consumers.start(
    {
      feed: { ...verify, directory: connected, cacheSize: 10_000 },
      'feed, cache off': { ...verify, directory: uncached },
      'mount alone': { ...verify, directory: alone, feed: false },
      'polls the key set': { by: 'jwks', hosts, port, path, issuer: ORIGIN, audience: AUDIENCE, perSecond },
    },
    { folder: world.parts.folder, names: world.namesFor(world.parts.pods) },
  );
}

/** Answers the tokens that were verified meanwhile. */
async function rotate(world: World, consumers: Consumers): Promise<readonly Token[]> {
  const tokens: Token[] = [];
  await using source = await TokenSource.start({
    hosts: world.parts.pods.map(({ address }) => address),
    perSecond: parameters.tokensPerSecond,
    told: (token) => {
      tokens.push(token);
      return consumers.tell([token]);
    },
  });
  const late: number[] = [];
  let left = parameters.rotations.reduce((sum, { count }) => sum + count, 0);
  // The first is due already, and waits for what services acknowledge from now on.
  let dueAt: number | undefined;
  for (const { consumers: namespaces, count } of parameters.rotations) {
    await world.consumersBecome(namespaces);
    for (let turn = 0; turn < count; turn += 1, left -= 1) {
      if (left === parameters.rotationsAfterRevocation) dueAt = await revoke(world, { consumers, source });
      const promotedAt = await rotation(world, source);
      if (dueAt !== undefined) late.push(promotedAt - dueAt);
      dueAt = promotedAt + interval;
    }
    await world.parts.keys.until(`the next key in ${namespaces} copies`, () =>
      world.isEverywhere(world.parts.keys.kid('next')),
    );
  }
  if (parameters.rotationsAfterRevocation === 0) await revoke(world, { consumers, source });
  const made = parameters.rotations.map(({ consumers: namespaces, count }) => `${count} with ${namespaces} copies`);
  report.add({ what: `rotations by age, every ${parameters.rotationInterval}`, measured: made.join(', ') });
  report.add({ what: 'how late they were, but for the first: p50 / the latest', measured: latenessOf(late) });
  return tokens;
}

function latenessOf(late: readonly number[]): string {
  return late.length === 0 ? 'there was one' : [quantile(late, 0.5), Math.max(...late)].map(seconds).join(' / ');
}

async function rotation(world: World, source: TokenSource): Promise<number> {
  const before = world.parts.keys.kid('active');
  const promotedAt = await world.parts.keys
    .until('a rotation', () => world.parts.keys.kid('active') !== before)
    .catch((cause: unknown) => {
      throw new Error(`the stack says ${JSON.stringify(world.status()?.conditions)}`, { cause });
    });
  source.check();
  console.log(`          ${world.parts.keys.kid('active') ?? ''} signs`);
  return promotedAt;
}

/** Answers when the key is due that signs from then on. */
async function revoke(
  world: World,
  { consumers, source }: { readonly consumers: Consumers; readonly source: TokenSource },
): Promise<number> {
  const revokedAt = await measureRevocation(world, { consumers, source, report, mountsAlone: MOUNTS_ALONE });
  return revokedAt + interval;
}

function reportVerifications(reports: ReadonlyMap<ConsumerName, ConsumerReport>, tokens: readonly Token[]): void {
  const countOf = ({ verified }: ConsumerReport): number => Object.values(verified).reduce((sum, one) => sum + one, 0);
  const all = [...reports.values()];
  const accepted = all.reduce((sum, one) => sum + countOf(one), 0);
  const refused = all.reduce((sum, one) => sum + one.refused, 0);
  for (const { refusals } of all) for (const refusal of refusals) console.error(JSON.stringify(refusal));
  const each = [...reports].map(([name, one]) => `${name} ${countOf(one).toLocaleString('en')}`);
  report.add({
    what: 'tokens issued, and the keys that signed them',
    measured: `${tokens.length.toLocaleString('en')}, ${new Set(tokens.map(({ kid }) => kid)).size}`,
  });
  const verifications = accepted + refused;
  report.add({
    what: 'verifications of valid tokens',
    measured: `${verifications.toLocaleString('en')} (${each.join(', ')})`,
    budget: `≥ ${parameters.verificationsAtLeast.toLocaleString('en')}`,
    kept: verifications >= parameters.verificationsAtLeast,
  });
  report.add({ what: 'of them refused', measured: String(refused), budget: '0', kept: refused === 0 });
  if (refused > 0 || verifications < parameters.verificationsAtLeast) process.exitCode = 1;
}

function reportDistribution(
  published: readonly Publication[],
  reports: ReadonlyMap<ConsumerName, ConsumerReport>,
): void {
  for (const [copies, ofSize] of Map.groupBy(published, (publication) => publication.copies)) {
    const complete = ofSize.filter(({ took }) => took.length === copies);
    const took = complete.flatMap((publication) => publication.took);
    const last = Math.max(...took);
    const budget = copies <= 10 ? 2_000 : 10_000;
    report.add({
      what: `a new key in ${copies} copies, since it was published, ${complete.length} keys: p50 / p99 / the last`,
      measured: [quantile(took, 0.5), quantile(took, 0.99), last].map(seconds).join(' / '),
      budget: `≤ ${seconds(budget)}`,
      kept: complete.length === ofSize.length && last <= budget,
    });
  }
  for (const [name, { knownSince }] of reports) {
    const took = published.flatMap(({ kid, at }) => (knownSince[kid] === undefined ? [] : [knownSince[kid] - at]));
    report.add({
      what: `a new key in the memory of a service, since it was published: ${name}, p50 / the slowest`,
      measured: [quantile(took, 0.5), Math.max(...took)].map(seconds).join(' / '),
    });
  }
}

async function write(): Promise<void> {
  await report.write({
    title: 'Signing keys',
    about: [
      '`make bench-keys` writes this page. The operator and two pods of the auth service, as processes of their images, with a real',
      'kube-apiserver, etcd, mongod and the controllers that make pods of a Deployment, all on the same machine. Services are processes',
      'of their own with `@authstack/verify` (connected to the feed, or by the mount alone), or with jose and a key set that is fetched',
      'again whenever its Cache-Control says so. The cluster has no kubelet: what mounts a Secret has each change of it',
      `${parameters.mountsAfterSeconds} s later, of the ${parameters.volumeRefresh} that \`propagation.volumeRefresh\` allows; and no DNS: the name of`,
      'the auth service leads to one of its pods, chosen anew for each connection.',
    ],
    parameters,
  });
}

await main();
