import {
  accessTokens,
  aFormerIssuer,
  cutOff,
  eventually,
  expect,
  kubectl,
  PretendedVerifier,
  rotatedFrom,
  scenario,
  serviceAccountToken,
  serviceListener,
  signingKeysOf,
  TokenLoad,
} from './world.ts';
import type { Shop, SigningKeys, Stack } from './world.ts';

/** In seconds. */
const MAX_WAIT = 150;

/*
 * Five services in as many namespaces, and somebody who shows valid tokens to each of them without an end:
 *
 *   restarted    its pod is deleted, and another one starts with what is mounted then
 *   cut-off      loses its way to the auth pods, and goes on by its mounted keys
 *   late         comes after the first rotation
 *   mount-only   is never connected
 *   reader       is none of ours: it keeps the published key set for as long as the key set says
 *
 *   0 ── 1st ── restart, cut ── late ── 2nd ── one more pod of `restarted`, which takes no new key ── 3rd ──
 *                      └──────────── maxWait ──────────────────────────────────────────┘
 */
scenario(
  'three rotations pass, and no service refuses a valid token, whatever happens to it meanwhile',
  { minutes: 8, suite: 'core' },
  async (world) => {
    const former = aFormerIssuer('2024-07');
    const stack = await world.createStack({
      members: 1,
      secrets: { 'former-key': { key: former.privateKey } },
      spec: {
        auth: { accessTokenTTL: '3m' },
        signingKeys: {
          rotationInterval: '1m',
          maxWait: `${MAX_WAIT}s`,
          propagation: { jwksMaxAge: '10s', volumeRefresh: '20s', clockSkew: '5s' },
          importFrom: { secretRef: { name: 'former-key' }, kid: former.kid },
        },
      },
    });
    const formerToken = await former.token(stack, { inSeconds: 170 });
    const restarted = await world.openShop(stack, { name: 'restarted' });
    const isolated = await world.openShop(stack, { name: 'cut-off' });
    const mountOnly = await world.openShop(stack, { name: 'mount-only', feed: false });
    const reader = await world.openKeySetReader(stack);
    await stack.becomes('Ready', { within: 120 });
    for (const service of [restarted, isolated, mountOnly, reader]) await service.becomesReady({ within: 120 });
    expect((await signingKeysOf(stack)).keys.map(({ kid }) => kid)).toContain(former.kid);

    await using load = TokenLoad.start(await accessTokens(stack.visitor()), [restarted, isolated, mountOnly, reader]);
    load.alsoShow(formerToken);
    await load.everybodyAccepts(former.kid, { within: 30 });

    const first = await rotatedFrom((await signingKeysOf(stack)).activeKid, stack, { within: 120 });
    // Who vanishes with the next key in its memory delays only the one after it.
    for (const shop of [restarted, isolated]) await shop.acknowledges(first.nextKid, { within: 30 });
    await restarted.restart({ within: 60 });
    await using cut = await cutOff(await isolated.pod(), await stack.pods('auth'));
    const cutAt = Date.now();
    const late = await world.openShop(stack, { name: 'late' });
    await late.becomesReady({ within: 60 });
    load.add(late);

    const second = await rotatedFrom(first.activeKid, stack, { within: 120 });
    await whileOneMorePodLacksTheNextKey({ stack, shop: restarted, keys: second }, async () => {
      const { message } = await stack.becomes('KeysReady=True/RotationDelayed', { within: 0 });
      expect(message).toContain(`${isolated.namespace}/orders (${await podNameOf(isolated)}) was heard of last at`);
    });
    const third = await rotatedFrom(second.activeKid, stack, { within: 120 });
    const waited = (Date.parse(third.lastRotationTime) - cutAt) / 1000;
    world.note({ waitedForTheVanished: `${Math.round(waited)} s` });
    // It was heard of last a moment before.
    expect(waited).toBeGreaterThan(MAX_WAIT - 10);
    await eventually(
      async () => {
        const promoted = expect.stringContaining(`${second.nextKid} signs from now on`);
        expect(await promotionsWithout(isolated, stack)).toEqual([promoted]);
      },
      { within: 10 },
    );
    await cut[Symbol.asyncDispose]();
    await isolated.acknowledges(third.nextKid, { within: 30 });
    for (const { activeKid } of [second, third]) await load.everybodyAccepts(activeKid, { within: 30 });

    const report = await load.end();
    world.note(report);
    expect(report.refusals).toEqual([]);
    expect(report.notIssued).toEqual([]);
    for (const { kids, accepted, service } of report.services) {
      const since = service === late.name ? [] : [former.kid, first.activeKid];
      expect([service, ...kids]).toEqual(expect.arrayContaining([...since, second.activeKid]));
      expect(accepted).toBeGreaterThan(200);
    }
  },
);

interface Rotation {
  readonly stack: Stack;
  readonly shop: Shop;
  readonly keys: SigningKeys;
}

/** One that is connected, and says that it has every key but the next one; until it is freed, and `freed` holds. */
async function whileOneMorePodLacksTheNextKey(
  { stack, shop, keys: { keys, activeKid, nextKid } }: Rotation,
  freed: () => Promise<void>,
): Promise<void> {
  const kids = keys.map(({ kid }) => kid).filter((kid) => kid !== nextKid);
  await using listening = await serviceListener(stack, { shop, token: await tokenOf(shop) });
  await using stuck = await PretendedVerifier.connect(listening.listener, { name: 'orders-stuck', kids });
  await eventually(
    async () => {
      const { message } = await stack.becomes('KeysReady=False/RotationBlocked', { within: 0 });
      expect(message).toContain(`${shop.namespace}/orders (${stuck.name}) has ${kids[0] ?? ''}`);
      expect(message).toContain(`must load ${nextKid} first, so ${activeKid} continues to sign`);
    },
    { within: 120 },
  );
  // What all pods of the service have.
  await eventually(
    async () => {
      const acknowledged = await shop.acknowledgedKids();
      expect(acknowledged).toContain(activeKid);
      expect(acknowledged).not.toContain(nextKid);
    },
    { within: 30 },
  );
  expect(stuck.problem).toBeUndefined();

  await stuck.says([...kids, nextKid]);
  await eventually(freed, { within: 30 });
  expect((await signingKeysOf(stack)).activeKid).toBe(activeKid);
}

async function tokenOf(shop: Shop): Promise<string> {
  const { issuer: audience = '' } = await shop.secret();
  return serviceAccountToken({ namespace: shop.namespace, serviceAccount: 'orders', audience });
}

async function podNameOf(shop: Shop): Promise<string> {
  return (await shop.pod()).metadata.name;
}

/** What the events of promotions say that did not wait for a service any more. */
async function promotionsWithout(shop: Shop, { namespace }: Stack): Promise<readonly string[]> {
  const query = ['-n', namespace, 'get', 'events', '--field-selector', 'reason=KeyPromoted', '-o', 'json'];
  const { items } = JSON.parse(await kubectl(query)) as { items: readonly { message: string }[] };
  const messages = items.map(({ message }) => message);
  return messages.filter((message) => message.includes('vanished') && message.includes(shop.namespace));
}
