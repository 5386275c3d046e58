import { setTimeout as pause } from 'node:timers/promises';
import { aPerson, expect, scenario } from './world.ts';
import type { Stack, Visitor } from './world.ts';

const ROTATIONS = 3;

scenario('three rotations pass and not one valid token is refused', { minutes: 8, suite: 'core' }, async (world) => {
  const stack = await world.createStack({
    members: 1,
    spec: {
      auth: { accessTokenTTL: '3m' },
      signingKeys: {
        rotationInterval: '1m',
        propagation: { jwksMaxAge: '10s', volumeRefresh: '20s', clockSkew: '5s' },
      },
    },
  });
  const shop = await world.openShop(stack);
  await stack.becomes('Ready', { within: 120 });
  await shop.becomesReady({ within: 120 });

  const ticketId = await shop.ticketToBuy();
  const refused: string[] = [];
  const signers = new Set<string>();
  const shoppers: { readonly visitor: Visitor; readonly until: number }[] = [];
  let orders = 0;
  while ((await rotations(stack)) < ROTATIONS) {
    const person = aPerson();
    const { status: signedUp } = await stack.visitor().signUp(person);
    if (signedUp !== 201) refused.push(`sign-up: ${signedUp}`);
    const visitor = stack.visitor();
    const { status: signedIn } = await visitor.signIn(person);
    if (signedIn !== 200) refused.push(`sign-in: ${signedIn}`);
    const { status: bought } = await visitor.post('/api/orders', { ticketId });
    if (bought !== 201) refused.push(`order: ${bought}`);
    signers.add(kidOf(visitor.cookie('token')));
    shoppers.push({ visitor, until: Date.now() + 170_000 });

    // Everybody whose token is still valid looks at their orders again, whichever key signed it.
    for (const shopper of shoppers.filter(({ until }) => Date.now() < until)) {
      const answer = await shopper.visitor.get('/api/orders');
      orders += 1;
      if (answer.status !== 200) refused.push(`${kidOf(shopper.visitor.cookie('token'))}: ${answer.status}`);
    }
    await pause(1_000);
  }

  expect(refused).toEqual([]);
  expect(signers.size).toBeGreaterThanOrEqual(ROTATIONS);
  expect(orders).toBeGreaterThan(100);
});

/** How often the signing key changed since the stack got its first. */
const seen = new Set<string>();
async function rotations(stack: Stack): Promise<number> {
  const { status } = await stack.read();
  const { activeKid } = (status?.['signingKeys'] ?? {}) as { activeKid?: string };
  if (activeKid !== undefined) seen.add(activeKid);
  return seen.size - 1;
}

function kidOf(token: string): string {
  const [header = ''] = token.split('.');
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid;
}
