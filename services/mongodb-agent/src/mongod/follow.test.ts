import { expect, test } from '@jest/globals';
import { Timestamp } from 'mongodb';
import { z } from 'zod';
import { agentContract } from '../api.ts';
import { direct } from '../testing/direct.ts';
import { eventually, startPod } from '../testing/pod.ts';
import type { Pod } from '../testing/pod.ts';
import { becomes, startSetOfThree } from '../testing/replica-set.ts';
import { replicatesFrom, sourceOf, writing } from '../testing/sources.ts';
import { turnOf } from './follow.ts';
import { readStatus } from './observe.ts';
import type { StatusReply } from './replies.ts';

const { paths } = agentContract;
const version = { version: '6.0' };

type Row = StatusReply['members'][number];
const at = (t: number, term = 7): { ts: Timestamp; t: number } => ({ ts: new Timestamp({ t, i: 1 }), t: term });
const row = (name: string, change: Partial<Row> = {}): Row => ({
  ...{ _id: 0, name, health: 1, state: 'SECONDARY', optime: at(100), ...change },
});
const silent = row('a', { state: 'PRIMARY', electionDate: new Date(1_000) });
const elected = row('b', { state: 'PRIMARY', electionDate: new Date(2_000), optime: at(101, 8) });
const status: StatusReply = {
  ...{ myState: 'SECONDARY', syncSourceHost: 'a', optimes: { appliedOpTime: at(100) } },
  members: [silent, elected, row('c', { self: true })],
};

test.each<[string, Partial<StatusReply>, ReturnType<typeof turnOf>]>([
  ['one that replicates from a primary that is no more, and counts as up, leaves it', {}, { from: 'a', to: 'b' }],
  ['not before the new primary is ahead', { members: [silent, { ...elected, optime: at(100) }] }, undefined],
  ['one that replicates from the new primary stays', { syncSourceHost: 'b' }, undefined],
  [
    'a source that is known to be down is left without a word',
    { members: [{ ...silent, health: 0 }, elected] },
    undefined,
  ],
  ['a source that answers as a secondary is left alone', { members: [row('a'), elected] }, undefined],
  ['one that looks for a source is left alone', { syncSourceHost: '' }, undefined],
  ['a member that is no secondary is left alone', { myState: 'RECOVERING' }, undefined],
])('%s', (...[, change, turn]) => {
  expect(turnOf({ ...status, ...change })).toEqual(turn);
});

test('when the primary is killed and another stands, the third member never sleeps for want of a source', async () => {
  await using one = await startPod(0, version);
  await using two = await startPod(1, version);
  await using three = await startPod(2, version);
  await startSetOfThree([one, two, three]);

  let primary = one;
  const slept = async (): Promise<number> => {
    const [next, other] = [one, two, three].filter((pod) => pod !== primary) as [Pod, Pod];
    const writes = writing(primary);
    await Promise.all([replicatesFrom(next, primary.host), replicatesFrom(other, primary.host)]);
    await writes[Symbol.asyncDispose]();
    const [before, term] = [await sleeps(other), await termOf(next)];

    await primary.endContainer('SIGKILL');
    const ended = primary;
    await next.call(paths.stepUp, { term, ended: ended.host });
    await becomes(next, 'PRIMARY');
    await eventually(() => sourceOf(other), { holds: (source) => source === next.host });
    primary = next;
    const after = await sleeps(other);
    ended.startContainer();
    await becomes(ended, 'SECONDARY');
    return after - before;
  };

  // It tries for three seconds, and a machine that needs longer for an election has it sleep.
  await eventually(slept, { holds: (times) => times === 0, within: 90_000 });
}, 180_000);

test('when the primary falls silent, the third member follows the new one while the silent one still counts as up', async () => {
  await using one = await startPod(0, version);
  await using two = await startPod(1, version);
  await using three = await startPod(2, version);
  await startSetOfThree([one, two, three]);

  let primary = one;
  const followsInTime = async (): Promise<boolean> => {
    const silent = primary;
    const others = [one, two, three].filter((pod) => pod !== silent);
    const writes = writing(silent);
    await Promise.all(others.map((pod) => replicatesFrom(pod, silent.host)));
    await writes[Symbol.asyncDispose]();

    silent.freeze();
    primary = await eventually(() => primaryOf(others), { holds: (pod) => pod !== undefined }).then(
      (pod) => pod ?? one,
    );
    const third = others.find((pod) => pod !== primary) ?? one;
    const followed = await eventually(() => statusOf(third), { holds: (seen) => seen.source === primary.host });
    silent.thaw();
    await becomes(silent, 'SECONDARY');
    return followed.up.includes(silent.host);
  };

  // A machine that needs ten seconds for an election has forgotten the silent one before.
  await eventually(followsInTime, { holds: (inTime) => inTime, within: 90_000 });
}, 180_000);

const counted = z.object({
  metrics: z.object({ repl: z.object({ syncSource: z.object({ numTimesCouldNotFind: z.number() }) }) }),
});

/** How often its mongod found nobody to replicate from, each of which costs a second. */
async function sleeps(pod: Pod): Promise<number> {
  await using mongod = direct(pod);
  return counted.parse(await mongod.command({ serverStatus: 1 })).metrics.repl.syncSource.numTimesCouldNotFind;
}

async function termOf(pod: Pod): Promise<number> {
  const { replicaSet } = await pod.observe();
  if (replicaSet.state !== 'initialized') throw new Error('it is in no set');
  return replicaSet.term ?? 0;
}

async function primaryOf(pods: readonly Pod[]): Promise<Pod | undefined> {
  const seen = await Promise.all(pods.map((pod) => pod.observe()));
  return pods.find((_pod, index) => {
    const set = seen[index]?.replicaSet;
    return set?.state === 'initialized' && set.self === 'PRIMARY';
  });
}

/** Whom it replicates from, and which members count as up with it. */
async function statusOf(pod: Pod): Promise<{ readonly source: string; readonly up: readonly string[] }> {
  await using mongod = direct(pod);
  const { syncSourceHost, members } = await readStatus(mongod);
  return { source: syncSourceHost ?? '', up: members.filter(({ health }) => health === 1).map(({ name }) => name) };
}
