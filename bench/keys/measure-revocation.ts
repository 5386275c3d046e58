import { durationMillis } from '../../operator/src/api/duration.ts';
import { kidsInCopy } from '../../operator/src/stored/consumer-copy.ts';
import { authContract } from '../../services/auth/src/api.ts';
import { sendExpecting } from '../auth/http-client.ts';
import { consumerRef } from '../operator/seed.ts';
import { seconds } from '../report.ts';
import type { Report } from '../report.ts';
import type { ConsumerName, ConsumerReport, Consumers } from './consumers.ts';
import { parameters } from './parameters.ts';
import type { TokenSource } from './tokens.ts';
import type { World } from './world.ts';

/** Of whatever can be told: ring, copies, auth pods, and services on the feed. */
const TOLD_WITHIN = 5_000;
/** Of not being accepted any more, to be believed. */
const REFUSED_FOR = 1_000;

interface Options {
  readonly consumers: Consumers;
  readonly source: TokenSource;
  readonly report: Report;
  /** The consumer of the service that only mounts its Secret. */
  readonly mountsAlone: number;
}

/** Takes away the key that signs, once everybody has had the time for the next one. Answers when the ring was without it. */
export async function measureRevocation(
  world: World,
  { consumers, source, report, mountsAlone }: Options,
): Promise<number> {
  await untilTheNextMaySign(world, source);
  const kid = world.parts.keys.kid('active') ?? '';
  await consumers.expectRevocation(kid);
  const { namespace } = consumerRef(mountsAlone);
  const lacks = (copy: Parameters<typeof kidsInCopy>[0]): boolean => !kidsInCopy(copy).has(kid);
  const { keys } = world.parts;
  const askedAt = Date.now();
  const gone = Promise.all([
    keys.until('a ring without the revoked key', () => !keys.isInRing(kid)),
    keys.until('copies without the revoked key', () => keys.copies().every(lacks)),
    keys.until('a copy without it', () =>
      keys.copies().some((copy) => copy.metadata.namespace === namespace && lacks(copy)),
    ),
    untilPodsLack(kid, world),
  ]);
  await world.annotate({ 'authstack.dev/revoke-key': kid });
  const [ring, copies, itsCopy, pods] = await gone;
  const reports = await untilNobodyAccepts(kid, consumers);
  const accepted = (name: ConsumerName): number => reports.get(name)?.lastAccepted[kid] ?? askedAt;

  const count = keys.copies().length;
  reportTime(report, { what: `gone from the ring, since it was asked for`, took: ring - askedAt, within: TOLD_WITHIN });
  reportTime(report, { what: `gone from ${count} copies, since then`, took: copies - askedAt, within: TOLD_WITHIN });
  reportTime(report, { what: 'gone from both auth pods, since then', took: pods - askedAt, within: TOLD_WITHIN });
  for (const name of ['feed', 'feed, cache off'] as const) {
    reportTime(report, {
      what: `last accepted by a service on the ${name}, since then`,
      took: accepted(name) - askedAt,
      within: TOLD_WITHIN,
    });
  }
  const mount = accepted('mount alone');
  reportTime(report, {
    what: `last accepted by one with the mount alone, since its copy was without it (${seconds(mount - askedAt)} since then)`,
    took: mount - itsCopy,
    within: durationMillis(parameters.volumeRefresh),
  });
  const poll = accepted('polls the key set');
  reportTime(report, {
    what: `last accepted by one that polls the key set, since the pods were without it (${seconds(poll - askedAt)} since then)`,
    took: poll - pods,
    within: durationMillis(parameters.jwksMaxAge),
  });
  return ring;
}

interface Timed {
  readonly what: string;
  readonly took: number;
  readonly within: number;
}

function reportTime(report: Report, { what, took, within }: Timed): void {
  report.add({
    what: `a revoked key: ${what}`,
    measured: took <= 0 ? 'before' : seconds(took),
    budget: `≤ ${seconds(within)}`,
    kept: took <= within,
  });
}

/** Before the lead is over, whoever polls or mounts refuses what the next key signs; and pods sign with the active one once mounted. */
async function untilTheNextMaySign(world: World, source: TokenSource): Promise<void> {
  const { keys } = world.parts;
  const { jwksMaxAge, volumeRefresh, clockSkew } = parameters;
  const lead = [jwksMaxAge, volumeRefresh, clockSkew].reduce((sum, part) => sum + durationMillis(part), 0);
  const everywhereAt = await keys.until('the next key in every copy', () => world.isEverywhere(keys.kid('next')));
  await new Promise((resolve) => setTimeout(resolve, everywhereAt + lead - Date.now()));
  while (source.signingKid !== keys.kid('active')) {
    source.check();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function untilPodsLack(kid: string, { parts: { pods } }: World): Promise<number> {
  const asked = pods.map(async ({ address: host }) => {
    const keySet = { host, port: authContract.publicPort, path: authContract.jwksPath };
    while ((await sendExpecting(200, keySet)).text.includes(kid)) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return Date.now();
  });
  return Math.max(...(await Promise.all(asked)));
}

async function untilNobodyAccepts(
  kid: string,
  consumers: Consumers,
): Promise<ReadonlyMap<ConsumerName, ConsumerReport>> {
  for (;;) {
    const reports = await consumers.reports();
    const isOver = [...reports.values()].every(
      ({ kids, lastAccepted }) => !kids.includes(kid) && Date.now() - (lastAccepted[kid] ?? 0) > REFUSED_FOR,
    );
    if (isOver) return reports;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
