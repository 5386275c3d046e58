import { setTimeout as pause } from 'node:timers/promises';
import { OUT_OF_SERVICE, SERVING_LABEL } from '../../operator/src/api/names.ts';
import { eventually, expect, scenario, signUpPeople, underLoad } from './world.ts';
import type { Stack } from './world.ts';
import { nodeOf, primaryOnAWorkerOfItsOwn, stopNode } from '../world/lost-node.ts';
import type { Person } from '../world/visitor.ts';

scenario(
  'the node of the primary and an auth pod dies and comes back: people sign in, and its member rejoins',
  { minutes: 8, suite: 'core', alone: true },
  async (world) => {
    // One on each worker.
    await underLoad(world, { members: 3, replicas: 3 }, async ({ stack, becomesHealthy }) => {
      await stack.becomes('AuthReady=True/AllReplicasAvailable', { within: 60 });
      const pod = await primaryOnAWorkerOfItsOwn(stack);
      const node = await nodeOf(stack, pod);
      const authPods = (await stack.pods('auth')).filter(({ spec }) => spec?.['nodeName'] === node);
      expect(authPods).not.toEqual([]);
      const people = await signUpPeople(6, () => stack.visitor());
      {
        await using _dead = await stopNode(node);
        // A fifth of the grace period after which Kubernetes itself stops sending to the pods of a node.
        await eventually(
          async () => {
            expect(await outOfService(stack)).toEqual(authPods.map(({ metadata }) => metadata.name));
            expect(await answersTo(people, stack)).toEqual(people.map(() => 200));
          },
          { within: 10 },
        );
        await eventually(async () => expect(await stack.primary()).not.toBe(pod), { within: 60 });
        await stack.becomes('DatabaseReady=True/Degraded', { within: 30 });
      }
      await becomesHealthy(120);
      await eventually(async () => expect(await outOfService(stack)).toEqual([]), { within: 30 });
    });
  },
);

/** Names of the auth pods that the Service sends nothing to. */
async function outOfService(stack: Stack): Promise<readonly string[]> {
  const pods = await stack.pods('auth');
  const out = pods.filter(({ metadata }) => metadata.labels?.[SERVING_LABEL] === OUT_OF_SERVICE);
  return out.map(({ metadata }) => metadata.name);
}

const PATIENCE = 4_000;

/** What a sign-in of each is answered. One that reaches a pod of the dead node would be waited for as long as the gateway does. */
function answersTo(people: readonly Person[], stack: Stack): Promise<readonly (number | string)[]> {
  return Promise.all(
    people.map((person) => {
      const answer = stack
        .visitor()
        .signIn(person)
        .then(({ status }) => status, String);
      return Promise.race([answer, pause(PATIENCE, 'no answer')]);
    }),
  );
}
