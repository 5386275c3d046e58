import {
  accessTokens,
  aPerson,
  eventually,
  expect,
  partsOf,
  scenario,
  signingKeysOf,
  SLOWNESS,
  TokenLoad,
} from './world.ts';
import type { Stack } from './world.ts';

/** In seconds. */
const PROPAGATION = { jwksMaxAge: 10, volumeRefresh: 20, clockSkew: 5 } as const;

/** In seconds, until a stolen key is gone from every auth pod, and from whoever is connected to one. */
const TOLD = 5 * SLOWNESS;

scenario(
  'a stolen key verifies nothing after seconds, in no service, and nobody signs in anew',
  { minutes: 4, suite: 'core' },
  async (world) => {
    const propagation = Object.fromEntries(Object.entries(PROPAGATION).map(([name, value]) => [name, `${value}s`]));
    const stack = await world.createStack({ members: 1, replicas: 2, spec: { signingKeys: { propagation } } });
    const connected = await world.openShop(stack);
    const mountOnly = await world.openShop(stack, { name: 'mount-only', feed: false });
    const reader = await world.openKeySetReader(stack);
    await stack.becomes('Ready', { within: 120 });
    for (const service of [connected, mountOnly, reader]) await service.becomesReady({ within: 120 });
    const person = aPerson();
    const visitor = stack.visitor();
    expect(await visitor.signUp(person)).toMatchObject({ status: 201 });
    expect(await visitor.get('/api/orders')).toMatchObject({ status: 200 });
    const [session, { kid: stolen }] = [visitor.cookie('session'), partsOf(visitor.cookie('token'))];
    await using load = TokenLoad.start(await accessTokens(stack.visitor()), [connected, mountOnly, reader]);
    await load.everybodyAccepts(stolen, { within: 30 });
    const successor = await nextKeyWithoutLead(stack);

    const revokedAt = Date.now();
    await stack.annotate('revoke-key', stolen);
    await eventually(
      async () => {
        expect(await publishedBy(stack)).not.toContain(stolen);
        const signedIn = stack.visitor();
        expect(await signedIn.signIn(person)).toMatchObject({ status: 200 });
        expect(partsOf(signedIn.cookie('token')).kid).toBe(successor);
      },
      { within: 5 },
    );
    await stack.becomes('KeysReady=True/KeyRevoked', { within: 5 });
    // A browser that shows the stolen key's token in the shop gets another by its session, which stays.
    await eventually(
      async () => {
        expect(await visitor.get('/api/orders')).toMatchObject({ status: 200 });
        expect(partsOf(visitor.cookie('token')).kid).toBe(successor);
      },
      { within: 5 },
    );
    expect(visitor.cookie('session')).toBe(session);

    await load.everybodyRefuses(stolen, { within: PROPAGATION.volumeRefresh });
    await load.everybodyAccepts(successor, { within: 30 });
    const report = await load.end();
    const [bounds] = (await signingKeysOf(stack)).revoked ?? [];
    const until = ({ name }: { readonly name: string }): number => load.acceptedAt(name, stolen) ?? 0;
    const seconds = [connected, mountOnly, reader].map(
      (service) => [service.name, Math.max(0, until(service) - revokedAt) / 1000] as const,
    );
    world.note({ secondsThatTheStolenKeyWasAccepted: Object.fromEntries(seconds), services: report.services });
    expect(until(connected)).toBeLessThanOrEqual(revokedAt + 1000 * TOLD);
    expect(until(reader)).toBeLessThanOrEqual(revokedAt + 1000 * (TOLD + PROPAGATION.jwksMaxAge));
    expect(until(mountOnly)).toBeLessThanOrEqual(revokedAt + 1000 * (TOLD + PROPAGATION.volumeRefresh));
    // What the stack itself says of those whom nobody tells.
    expect(bounds).toMatchObject({ kid: stolen });
    expect(until(mountOnly)).toBeLessThanOrEqual(Date.parse(bounds?.mountsUntil ?? ''));
    expect(until(reader)).toBeLessThanOrEqual(Date.parse(bounds?.cachesUntil ?? ''));
    expect(report.refusals.filter(({ kid }) => kid !== stolen)).toEqual([]);
    expect(report.notIssued).toEqual([]);
  },
);

/** Its kid, once every service has had the time to learn of it: from then on nobody refuses what it signs. */
async function nextKeyWithoutLead(stack: Stack): Promise<string> {
  const { jwksMaxAge, volumeRefresh, clockSkew } = PROPAGATION;
  return eventually(
    async () => {
      const { nextKid, keys } = await signingKeysOf(stack);
      const publishedAt = Date.parse(keys.find(({ kid }) => kid === nextKid)?.since ?? '');
      expect(Date.now()).toBeGreaterThan(publishedAt + 1000 * (jwksMaxAge + volumeRefresh + clockSkew));
      return nextKid;
    },
    { within: 60 },
  );
}

/** By any of the pods, each of which is asked with near certainty. */
async function publishedBy(stack: Stack): Promise<readonly string[]> {
  const answers = await Promise.all(Array.from({ length: 12 }, () => stack.visitor().get('/.well-known/jwks.json')));
  return answers.flatMap(({ body }) => (body as { keys: readonly { kid: string }[] }).keys.map(({ kid }) => kid));
}
