import { expect, test } from '@jest/globals';
import { agentContract } from '../api.ts';
import { direct } from '../testing/direct.ts';
import {
  becomes,
  initiateSet,
  reconfigure,
  settings,
  startOnEmptyVolume,
  startSetOfThree,
} from '../testing/replica-set.ts';
import { eventually, startPod } from '../testing/pod.ts';
import type { Pod } from '../testing/pod.ts';

const { paths } = agentContract;

test('a member joins without a vote, gets it once it has caught up, and leaves again', async () => {
  await using primary = await startPod(0);
  await using joining = await startPod(1);
  const replicaSetId = await initiateSet(primary);
  await startOnEmptyVolume(joining);
  const member = { pod: joining, _id: 1 };
  const first = { pod: primary, _id: 0, votes: 1 } as const;

  await expect(reconfigure(primary, [first, { ...member, votes: 0 }])).resolves.toBe(2);
  await becomes(joining, 'SECONDARY');
  await expect(reconfigure(primary, [first, { ...member, votes: 1 }])).resolves.toBe(3);

  const seen = await eventually(joining.observe, { holds: ({ volume }) => volume.replicaSetId !== undefined });
  expect(seen).toMatchObject({ volume: { replicaSetId }, replicaSet: { self: 'SECONDARY', configCommitted: false } });
  const members = [{ _id: 0, host: primary.host, votes: 1, priority: 1 }];
  await expect(primary.call(paths.reconfig, { expectedVersion: 2, members })).resolves.toMatchObject({
    status: 409,
    body: { code: 'CONFIG_CHANGED', detail: expect.stringContaining('the set is at 3') },
  });
  await eventually(() => joining.call(paths.reconfig, { expectedVersion: 3, members }), {
    holds: ({ body }) => JSON.stringify(body).includes('NOT_PRIMARY'),
  });
  await expect(joining.call(paths.stepDown, {})).resolves.toMatchObject({ status: 204 });

  await expect(reconfigure(primary, [first])).resolves.toBe(4);
  await becomes(joining, 'REMOVED');
  await expect(joining.observe()).resolves.toMatchObject({ replicaSet: { replicaSetId, members: [] } });

  await using mongod = direct(primary);
  // The settings of the initiation outlive every change of members.
  await expect(mongod.command({ replSetGetConfig: 1 })).resolves.toMatchObject({ config: { version: 4, settings } });
}, 60_000);

test('a primary that is stopped hands over before it ends, and one steps down on request', async () => {
  await using one = await startPod(0);
  await using two = await startPod(1);
  await using three = await startPod(2);
  const pods = [one, two, three] as const;
  await startSetOfThree(pods);

  const exit = one.endContainer('SIGTERM');
  const successor = await newPrimary([two, three]);
  // The old primary still runs: the set was without a primary for moments, not for an election timeout.
  await expect(Promise.race([exit, Promise.resolve('still ends')])).resolves.toBe('still ends');
  await expect(exit).resolves.toBe(0);

  one.startContainer();
  await becomes(one, 'SECONDARY');
  await expect(successor.call(paths.stepDown, {})).resolves.toEqual({ status: 204, body: undefined });
  await newPrimary(pods.filter((pod) => pod !== successor));
}, 90_000);

test('a primary that nobody can succeed stays primary and answers NO_SUCCESSOR', async () => {
  await using pod = await startPod();
  await initiateSet(pod);

  await expect(pod.call(paths.stepDown, {})).resolves.toMatchObject({ status: 409, body: { code: 'NO_SUCCESSOR' } });
  await becomes(pod, 'PRIMARY');
}, 60_000);

async function newPrimary(candidates: readonly Pod[]): Promise<Pod> {
  const states = async (): Promise<(Pod | undefined)[]> =>
    Promise.all(
      candidates.map(async (pod) => {
        const { replicaSet } = await pod.observe();
        return replicaSet.state === 'initialized' && replicaSet.self === 'PRIMARY' ? pod : undefined;
      }),
    );
  const [primary] = (await eventually(states, { holds: (seen) => seen.some(Boolean) })).filter(
    (pod) => pod !== undefined,
  );
  if (!primary) throw new Error('no primary');
  return primary;
}
