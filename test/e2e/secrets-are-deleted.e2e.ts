import { aPerson, eventually, expect, kubectl, scenario, underLoad } from './world.ts';

/** `auth-secrets` is another matter: without the pepper in it no password can be checked, and that is told. */
const secrets = ['mongodb-keyfile', 'mongodb-identity', 'mongodb-root', 'mongodb-auth-user', 'mongodb-agent-tls'];

scenario(
  'each Secret of the database is deleted, and people can sign in all the while after',
  { minutes: 8, suite: 'core' },
  async (world) => {
    await underLoad(world, { members: 3, gap: 3 }, async ({ stack, becomesWhole }) => {
      const person = aPerson();
      await stack.becomes('Ready', { within: 120 });
      expect((await stack.visitor().signUp(person)).status).toBe(201);
      for (const suffix of secrets) {
        await kubectl(['-n', stack.namespace, 'delete', 'secret', `${stack.name}-${suffix}`]);
        await eventually(async () => expect(await stack.secretExists(suffix)).toBe(true), { within: 60 });
        await becomesWhole();
        await eventually(async () => expect((await stack.visitor().signIn(person)).status).toBe(200), { within: 60 });
      }
      // With a keyfile that was made again, members still find each other.
      await stack.loseMembers([stack.member(2)]);
      await becomesWhole();
    });
  },
);
