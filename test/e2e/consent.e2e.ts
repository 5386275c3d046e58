import { apply, eventually, expect, get, kubectl, scenario } from './world.ts';

scenario(
  'the copy is deleted when consent ends, and made again with it',
  { minutes: 4, suite: 'core' },
  async (world) => {
    const stack = await world.createStack({ members: 1, replicas: 1 });
    const shop = await world.openShop(stack);
    await stack.becomes('Ready', { within: 120 });
    await shop.consumerBecomes('InSync', { within: 60 });
    expect(Object.keys((await shop.copy())?.data ?? {})).toContain('jwks.json');

    await shop.trust(false);
    await shop.consumerBecomes('Accepted=False/NamespaceNotAllowed', { within: 10 });
    await eventually(async () => expect(await shop.copy()).toBeUndefined(), { within: 5 });

    await shop.trust(true);
    await shop.consumerBecomes('InSync', { within: 10 });
    expect(await shop.copy()).toBeDefined();
  },
);

scenario('a copy that somebody edits or deletes is restored', { minutes: 4, suite: 'core' }, async (world) => {
  const stack = await world.createStack({ members: 1, replicas: 1 });
  const shop = await world.openShop(stack);
  await shop.consumerBecomes('InSync', { within: 120 });
  const { data } = await get(shop.namespace, 'secret', 'auth');

  await kubectl([
    '-n',
    shop.namespace,
    'patch',
    'secret',
    'auth',
    '-p',
    '{"data":{"issuer":"ZXZpbA==","more":"ZXZpbA=="}}',
  ]);
  await eventually(async () => expect((await shop.copy())?.data).toEqual(data), { within: 10 });

  await kubectl(['-n', shop.namespace, 'delete', 'secret', 'auth']);
  await eventually(async () => expect((await shop.copy())?.data).toEqual(data), { within: 10 });
});

scenario(
  "somebody else's Secret of that name is left alone and named in a condition",
  { minutes: 4, suite: 'core' },
  async (world) => {
    const stack = await world.createStack({ members: 1, replicas: 1 });
    const namespace = await world.namespace(`${stack.namespace}-shop`, { 'e2e/consumes': stack.namespace });
    await apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'auth', namespace },
      stringData: { mine: 'yes' },
    });
    await apply({
      apiVersion: 'authstack.dev/v1alpha1',
      kind: 'AuthConsumer',
      metadata: { name: 'orders', namespace },
      spec: { stackRef: { namespace: stack.namespace, name: stack.name }, secretName: 'auth' },
    });
    await stack.becomes('KeysReady', { within: 60 });

    const condition = await eventually(
      async () => {
        const { status } = await get(namespace, 'authconsumer', 'orders');
        const conditions = (status?.['conditions'] ?? []) as { type: string; reason: string; message: string }[];
        const accepted = conditions.find(({ type }) => type === 'Accepted');
        expect(accepted).toMatchObject({ status: 'False', reason: 'SecretNotOwned' });
        return accepted;
      },
      { within: 20 },
    );

    expect(condition?.message).toContain('auth');
    expect((await get(namespace, 'secret', 'auth')).data).toEqual({ mine: btoa('yes') });
  },
);
