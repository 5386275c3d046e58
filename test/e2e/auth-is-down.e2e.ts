import { aPerson, apply, eventually, expect, kubectl, scenario } from './world.ts';

scenario('with every auth pod gone, orders still takes valid tokens', { minutes: 4, suite: 'core' }, async (world) => {
  const stack = await world.createStack({ members: 1 });
  const shop = await world.openShop(stack);
  await stack.becomes('Ready', { within: 120 });
  await shop.becomesReady({ within: 120 });
  const visitor = stack.visitor();
  expect((await visitor.signUp(aPerson())).status).toBe(201);

  const ticketId = await shop.ticketToBuy();

  // No pod may take the place of those that are killed, so there is no auth service until the quota goes.
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none', namespace: stack.namespace } };
  await apply({ ...quota, spec: { hard: { pods: '0' } } });
  await stack.killPods((await stack.pods('auth')).map(({ metadata }) => metadata.name));
  await eventually(async () => expect(await authAnswers()).toBeGreaterThanOrEqual(500), { within: 30 });
  const order = await visitor.post('/api/orders', { ticketId });

  expect(order.status).toBe(201);
  expect(await authAnswers()).toBeGreaterThanOrEqual(500);
  await kubectl(['-n', stack.namespace, 'delete', 'resourcequota', 'none']);
  await stack.becomes('AuthReady', { within: 60 });
  await eventually(async () => expect(await authAnswers()).toBe(200), { within: 30 });
  await kubectl(['-n', shop.namespace, 'delete', 'pod', '-l', 'app.kubernetes.io/name=orders', '--wait=false']);
  await eventually(
    async () => {
      const { body } = await visitor.get('/api/orders');
      expect(JSON.stringify(body)).toContain((order.body as { id: string }).id);
    },
    { within: 60 },
  );

  async function authAnswers(): Promise<number> {
    return (await visitor.get('/api/users/currentuser')).status;
  }
});
