import { aPerson, eventually, expect, scenario } from './world.ts';
import type { Stack, Visitor } from './world.ts';

scenario(
  'a revoked key is gone from every auth pod in seconds, and nobody signs in anew',
  { minutes: 8, suite: 'full' },
  async (world) => {
    const stack = await world.createStack({ members: 1, replicas: 2 });
    const shop = await world.openShop(stack);
    await stack.becomes('Ready', { within: 120 });
    await shop.becomesReady({ within: 120 });
    const ticketId = await shop.ticketToBuy();
    const person = aPerson();
    const visitor = stack.visitor();
    expect(await visitor.signUp(person)).toMatchObject({ status: 201 });
    expect(await visitor.post('/api/orders', { ticketId })).toMatchObject({ status: 201 });

    const stolen = kidOf(visitor.cookie('token'));
    await stack.annotate('revoke-key', stolen);
    await eventually(
      async () => {
        expect(await publishedBy(stack)).not.toContain(stolen);
        const signedIn = stack.visitor();
        expect(await signedIn.signIn(person)).toMatchObject({ status: 200 });
        expect(kidOf(signedIn.cookie('token'))).not.toBe(stolen);
      },
      { within: 5 },
    );
    expect(await stack.condition('KeysReady')).toMatchObject({ status: 'True', reason: 'KeyRevoked' });

    // The shop goes by its mounted copy. Then its visitor gets a new token by the session.
    await eventually(
      async () => {
        expect(await visitor.get('/api/orders')).toMatchObject({ status: 200 });
        expect(kidOf(visitor.cookie('token'))).not.toBe(stolen);
      },
      { within: 180 },
    );
  },
);

/** By any of the pods, each of which is asked with near certainty. */
async function publishedBy(stack: Stack): Promise<readonly string[]> {
  const answers = await Promise.all(Array.from({ length: 12 }, () => stack.visitor().get('/.well-known/jwks.json')));
  return answers.flatMap(({ body }) => (body as { keys: readonly { kid: string }[] }).keys.map(({ kid }) => kid));
}

function kidOf(token: ReturnType<Visitor['cookie']>): string {
  const [header = ''] = token.split('.');
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid;
}
