import { agentContract, initiateReply, reconfigReply } from '../api.ts';
import type { ConfigMember } from '../api.ts';
import { eventually } from './pod.ts';
import type { Pod } from './pod.ts';

const { paths } = agentContract;

export const pvcUid = 'pvc-0';
export const settings = { electionTimeoutMillis: 4_000, catchUpTimeoutMillis: 1_000 };

export async function startOnEmptyVolume(pod: Pod): Promise<void> {
  const { lastWords } = pod;
  pod.startContainer();
  await eventually(pod.observe, { holds: ({ gate }) => gate === 'waiting', lastWords });
  await pod.call(paths.release, { pvcUid });
  await eventually(pod.observe, { holds: ({ mongod }) => mongod.state === 'answers', lastWords });
}

/** Initiates a replica set of this member alone, as its primary; answers the set's id. */
export async function initiateSet(pod: Pod): Promise<string> {
  await startOnEmptyVolume(pod);
  const { body } = await pod.call(paths.initiate, { pvcUid, host: pod.host, settings });
  await becomes(pod, 'PRIMARY');
  return initiateReply.parse(body).replicaSetId;
}

/** Three members with a vote each, the first of them primary. */
export async function startSetOfThree(pods: readonly [Pod, Pod, Pod]): Promise<void> {
  const [one, two, three] = pods;
  await initiateSet(one);
  await Promise.all([startOnEmptyVolume(two), startOnEmptyVolume(three)]);
  const votes = (...given: readonly (0 | 1)[]): Promise<number> =>
    reconfigure(
      one,
      given.flatMap((vote, _id) => pods.slice(_id, _id + 1).map((pod) => ({ pod, _id, votes: vote }))),
    );
  await votes(1, 0, 0);
  await Promise.all([becomes(two, 'SECONDARY'), becomes(three, 'SECONDARY')]);
  await votes(1, 1, 0);
  await votes(1, 1, 1);
}

export async function becomes(pod: Pod, state: 'PRIMARY' | 'SECONDARY' | 'REMOVED'): Promise<void> {
  await eventually(pod.observe, {
    lastWords: pod.lastWords,
    holds: ({ replicaSet }) =>
      replicaSet.state === 'initialized' &&
      replicaSet.self === state &&
      // A member reports itself as primary a moment before it accepts writes.
      (state !== 'PRIMARY' || replicaSet.configCommitted),
  });
}

/** Sets the members in the primary's configuration; `votes` is their priority as well. */
export async function reconfigure(
  primary: Pod,
  members: readonly { pod: Pod; _id: number; votes: 0 | 1 }[],
): Promise<number> {
  const { replicaSet } = await primary.observe();
  if (replicaSet.state !== 'initialized') throw new Error('the set is not initialized');
  const { status, body } = await primary.call(paths.reconfig, {
    expectedVersion: replicaSet.config.version,
    members: members.map(({ pod, _id, votes }): ConfigMember => ({ _id, host: pod.host, votes, priority: votes })),
  });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return reconfigReply.parse(body).version;
}
