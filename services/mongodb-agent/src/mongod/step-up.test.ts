import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { agentContract, compareOptimes, stepUpReply } from '../api.ts';
import type { Observation } from '../api.ts';
import { direct } from '../testing/direct.ts';
import { becomes, startSetOfThree } from '../testing/replica-set.ts';
import { eventually, startPod } from '../testing/pod.ts';
import type { Pod } from '../testing/pod.ts';
import { readServer } from './statistics.ts';

const { paths } = agentContract;

test('once mongod of the primary is known to have ended, the most recent secondary is elected and keeps every write', async () => {
  await using one = await startPod(0);
  await using two = await startPod(1);
  await using three = await startPod(2);
  await startSetOfThree([one, two, three]);
  await using watching = await one.watch();
  await eventually(watching.last, { holds: ({ role }) => role === 'primary' });
  await using primary = direct(one);
  await primary.command({ insert: 'kept', documents: [{ _id: 1 }], writeConcern: { w: 'majority' } }, { db: 'auth' });
  const { term } = setOf(await one.observe());
  await expect(one.call(paths.stepUp, { term, ended: one.host })).resolves.toMatchObject({
    status: 409,
    body: { code: 'NOT_SECONDARY' },
  });

  await one.endContainer('SIGKILL');
  await eventually(watching.last, { holds: ({ mongod }) => mongod === 'ended' });
  await expect(one.observe()).resolves.toMatchObject({ mongod: { state: 'down' } });

  const candidate = await mostRecent([two, three]);
  await expect(candidate.call(paths.stepUp, { term: term + 1, ended: one.host })).resolves.toMatchObject({
    status: 409,
    body: { code: 'TERM_CHANGED' },
  });
  await expect(candidate.call(paths.stepUp, { term, ended: one.host })).resolves.toMatchObject({ status: 200 });
  await becomes(candidate, 'PRIMARY');

  expect(setOf(await candidate.observe()).term).toBe(term + 1);
  await using elected = direct(candidate);
  // It is primary because it was told to stand, and by no time-out.
  expect((await readServer(elected)).elections).toMatchObject({ stepUpCmd: 1, electionTimeout: 0 });
  const { cursor } = found.parse(await elected.command({ find: 'kept' }, { db: 'auth' }));
  expect(cursor.firstBatch).toEqual([{ _id: 1 }]);

  // An address that is gone answers as little as a frozen process: catch-up would wait for it.
  one.startContainer();
  await becomes(one, 'SECONDARY');
  candidate.freeze();
  const others = [one, two, three].filter((pod) => pod !== candidate);
  const next = await mostRecent(others);
  const { body } = await next.call(paths.stepUp, { term: term + 1, ended: candidate.host });
  expect(stepUpReply.parse(body)).toEqual({ catchUp: 'ended' });
  await becomes(next, 'PRIMARY');
  candidate.thaw();
}, 120_000);

test('a frozen mongod is never reported as ended', async () => {
  await using pod = await startPod();
  await using watching = await pod.watch();
  await eventually(watching.last, { holds: ({ mongod }) => mongod === 'ended' });
  pod.startContainer();
  await eventually(pod.observe, { holds: ({ gate }) => gate === 'waiting' });
  await pod.call(paths.release, { pvcUid: 'pvc-0' });
  await eventually(watching.last, { holds: ({ mongod }) => mongod === 'runs' });

  pod.freeze();
  await expect(pod.observe()).resolves.toMatchObject({ mongod: { state: 'starting' } });
  await expect(watching.last()).resolves.toMatchObject({ mongod: 'runs' });
  pod.thaw();
}, 60_000);

const found = z.object({ cursor: z.object({ firstBatch: z.array(z.unknown()) }) });

type Initialized = Extract<Observation['replicaSet'], { state: 'initialized' }> & { readonly term: number };

function setOf({ replicaSet }: Observation): Initialized {
  if (replicaSet.state !== 'initialized' || replicaSet.term === undefined) throw new Error('it is in no set');
  return { ...replicaSet, term: replicaSet.term };
}

async function mostRecent(pods: readonly Pod[]): Promise<Pod> {
  const seen = await Promise.all(pods.map(async (pod) => ({ pod, optime: setOf(await pod.observe()).optime })));
  const [first] = seen.sort((a, b) => (a.optime && b.optime ? compareOptimes(b.optime, a.optime) : 0));
  if (!first) throw new Error('no pod');
  return first.pod;
}
