import { aPerson, apply, askToRenew, eventually, expect, scenario, serviceAccountToken } from './world.ts';

scenario(
  'a consumer renews tokens as its own ServiceAccount, as nobody else and only while there is consent',
  { minutes: 5, suite: 'core' },
  async (world) => {
    // Tokens of the shop's visitors expire while the scenario looks on.
    const stack = await world.createStack({
      members: 1,
      replicas: 1,
      spec: { auth: { accessTokenTTL: '5s' }, signingKeys: { propagation: { clockSkew: '1s' } } },
    });
    const shop = await world.openShop(stack);
    await stack.becomes('Ready', { within: 120 });
    await shop.becomesReady({ within: 120 });
    expect(Object.keys(await shop.secret())).not.toContain('client-secret');
    const visitor = stack.visitor();
    expect(await visitor.signUp(aPerson())).toMatchObject({ status: 201 });
    const [token, session] = [visitor.cookie('token'), visitor.cookie('session')];

    await eventually(
      async () => {
        expect(await visitor.get('/api/orders')).toMatchObject({ status: 200 });
        expect(visitor.cookie('token')).not.toBe(token);
      },
      { within: 20 },
    );
    // Only a browser's own refresh replaces the session.
    expect(visitor.cookie('session')).toBe(session);

    const { issuer: audience = '' } = await shop.secret();
    const own = { namespace: shop.namespace, serviceAccount: 'orders', audience };
    const others = [
      { ...own, serviceAccount: 'other' },
      { ...own, namespace: stack.namespace },
      { ...own, audience: `${audience}/other` },
    ];
    for (const { namespace, serviceAccount: name } of others.slice(0, 2)) {
      await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
    }
    const answerTo = async (who: typeof own) =>
      askToRenew(stack, { shop, session, token: await serviceAccountToken(who) });
    expect(await answerTo(own)).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
    for (const other of others) {
      expect(await answerTo(other)).toMatchObject({ status: 401, body: { code: 'INVALID_CLIENT' } });
    }

    // What a pod has mounted stays when consent goes, so whoever was a consumer still has all that it would show.
    const still = {
      shop: { secret: rememberedFrom(await shop.secret()) },
      session,
      token: await serviceAccountToken(own),
    };
    await shop.trust(false);
    await eventually(
      async () =>
        expect(await askToRenew(stack, still)).toMatchObject({ status: 401, body: { code: 'INVALID_CLIENT' } }),
      { within: 5 },
    );
    await eventually(
      async () =>
        expect(await visitor.get('/api/orders')).toMatchObject({ status: 503, body: { code: 'REFRESH_UNAVAILABLE' } }),
      { within: 20 },
    );

    await shop.trust(true);
    await eventually(async () => expect(await visitor.get('/api/orders')).toMatchObject({ status: 200 }), {
      within: 20,
    });
  },
);

function rememberedFrom(secret: Readonly<Record<string, string>>): () => Promise<Readonly<Record<string, string>>> {
  return () => Promise.resolve(secret);
}
