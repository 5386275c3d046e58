import { aPerson, eventually, expect, kubectl, scenario } from '../world.ts';

scenario('with every auth pod gone, orders still takes valid tokens', { minutes: 4 }, async (world) => {
  const stack = await world.createStack({ members: 1 });
  const shop = await world.openShop(stack);
  await stack.becomes('Ready', { within: 120 });
  await shop.becomesReady({ within: 120 });
  const visitor = stack.visitor();
  expect((await visitor.signUp(aPerson())).status).toBe(201);

  // Without its Deployment's pods there is nothing to ask; the operator brings them back, so they are killed each time.
  const pods = (await stack.pods('auth')).map(({ metadata }) => metadata.name);
  expect(pods.length).toBeGreaterThan(0);
  await stack.killPods(pods);
  const whileDown = await visitor.get('/api/users/currentuser');
  const order = await visitor.post('/api/orders', { ticketId: await firstTicket() });

  expect(whileDown.status).toBeGreaterThanOrEqual(500);
  expect(order.status).toBe(201);
  await stack.becomes('AuthReady', { within: 60 });
  await eventually(async () => expect((await visitor.get('/api/users/currentuser')).status).toBe(200), { within: 30 });
  await kubectl(['-n', shop.namespace, 'delete', 'pod', '-l', 'app.kubernetes.io/name=orders', '--wait=false']);
  await eventually(
    async () => {
      const { body } = await visitor.get('/api/orders');
      expect(JSON.stringify(body)).toContain((order.body as { id: string }).id);
    },
    { within: 60 },
  );

  async function firstTicket(): Promise<string> {
    const { body } = await visitor.get('/api/orders/tickets');
    const [ticket] = (body as { tickets: { id: string }[] }).tickets;
    if (!ticket) throw new Error('orders has no tickets to sell');
    return ticket.id;
  }
});
