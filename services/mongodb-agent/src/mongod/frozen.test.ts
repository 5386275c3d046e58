import { expect, test } from '@jest/globals';
import { agentContract } from '../api.ts';
import { eventually, startPod } from '../testing/pod.ts';

const { paths } = agentContract;

test('a frozen mongod is reported, and observed again once it resumes', async () => {
  await using pod = await startPod();
  pod.startContainer();
  await eventually(pod.observe, { holds: ({ gate }) => gate === 'waiting' });
  await pod.call(paths.release, { pvcUid: 'pvc-0' });
  await eventually(pod.observe, { holds: ({ mongod }) => mongod.state === 'answers' });

  pod.freeze();
  // Its port still takes connections, so only a limit of the agent's own ends the wait.
  await expect(pod.observe()).resolves.toMatchObject({
    mongod: { state: 'starting', problem: expect.stringContaining('no answer within') },
    replicaSet: { state: 'unknown' },
  });

  pod.thaw();
  await eventually(pod.observe, { holds: ({ mongod }) => mongod.state === 'answers' });
}, 60_000);
