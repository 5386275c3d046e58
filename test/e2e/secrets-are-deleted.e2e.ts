import { aPerson, eventually, expect, kubectl, scenario, underLoad } from './world.ts';

/** Not `auth-secrets`: without its pepper no password can be verified, so a lost one is reported and not made again. */
const secrets = ['mongodb-keyfile', 'mongodb-identity', 'mongodb-root', 'mongodb-auth-user', 'mongodb-agent-tls'];

scenario(
  'each Secret of the database is deleted, and people can sign in after each',
  { minutes: 8, suite: 'core' },
  async (world) => {
    await underLoad(world, { members: 3, gap: 3 }, async ({ stack, becomesHealthy }) => {
      const person = aPerson();
      await stack.becomes('Ready', { within: 120 });
      expect((await stack.visitor().signUp(person)).status).toBe(201);
      for (const suffix of secrets) {
        await kubectl(['-n', stack.namespace, 'delete', 'secret', `${stack.name}-${suffix}`]);
        await eventually(async () => expect(await stack.secretExists(suffix)).toBe(true), { within: 60 });
        await becomesHealthy();
        await eventually(async () => expect((await stack.visitor().signIn(person)).status).toBe(200), { within: 60 });
      }
      // With a restored keyfile, members still accept each other.
      await stack.loseMembers([stack.member(2)]);
      await becomesHealthy();
    });
  },
);
