import type { MongodObservation, ObservedMember, ReplicaSetObservation } from '../api.ts';
import { Refusal } from '../errors.ts';
import { isCommitted, readConfig } from './config.ts';
import type { Mongod } from './connection.ts';
import { code, hasCode } from './failures.ts';
import { buildInfoReply, compatibilityReply, helloReply, statusReply } from './replies.ts';
import type { ConfigReply, StatusReply } from './replies.ts';
import { optimeOf } from './optime.ts';

export interface Seen {
  readonly mongod: MongodObservation;
  readonly replicaSet: ReplicaSetObservation;
}

/** Never throws for a mongod that is down, starting or in any other state: that is part of the observation. */
export async function observeMongod(mongod: Mongod): Promise<Seen> {
  const port = await mongod.port();
  if (port === 'refuses') return { mongod: { state: 'down' }, replicaSet: { state: 'unknown' } };
  if (port === 'silent') {
    return { mongod: { state: 'starting', problem: silentPort }, replicaSet: { state: 'unknown' } };
  }
  try {
    const { version } = buildInfoReply.parse(await mongod.command({ buildInfo: 1 }));
    const compatibility = await readCompatibility(mongod);
    return {
      mongod: { state: 'answers', version, ...compatibility },
      replicaSet: await observeReplicaSet(mongod),
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code: refusal, message: problem } = error;
    const state = refusal === 'KEYFILE_REFUSED' ? 'answers' : 'starting';
    return { mongod: { state, problem }, replicaSet: { state: 'unknown' } };
  }
}

const silentPort = "mongod's port neither accepts nor refuses connections; its process may be frozen";

/** Whether clients may use this member. */
export async function isReady(mongod: Mongod): Promise<boolean> {
  // Asked first because the driver would look for a mongod that is down longer than the kubelet waits.
  if ((await mongod.port()) !== 'accepts') return false;
  const { isWritablePrimary, secondary } = helloReply.parse(
    await mongod.command({ hello: 1 }, { timeoutMillis: 1_000 }),
  );
  return isWritablePrimary || secondary;
}

async function readCompatibility(mongod: Mongod): Promise<{ featureCompatibilityVersion?: string }> {
  try {
    const reply = await mongod.command({ getParameter: 1, featureCompatibilityVersion: 1 });
    return { featureCompatibilityVersion: compatibilityReply.parse(reply).featureCompatibilityVersion.version };
  } catch (error) {
    // Unknown until the set is initiated, or until the initial sync has copied it.
    if (error instanceof Refusal) throw error;
    return {};
  }
}

async function observeReplicaSet(mongod: Mongod): Promise<ReplicaSetObservation> {
  const config = await readConfig(mongod);
  switch (config.state) {
    case 'notInitialized':
      return { state: 'notInitialized' };
    case 'loading':
      return { state: 'unknown' };
    case 'initialized':
      return describe(mongod, config.reply);
  }
}

async function describe(mongod: Mongod, { config }: ConfigReply): Promise<ReplicaSetObservation> {
  const status = await readStatus(mongod);
  const selfHost = status.members.find(({ self }) => self)?.name;
  return {
    state: 'initialized',
    replicaSetId: config.settings.replicaSetId.toHexString(),
    self: status.myState,
    ...(status.term !== undefined && { term: status.term }),
    ...(status.optimes && { optime: optimeOf(status.optimes.appliedOpTime) }),
    ...(selfHost !== undefined && { selfHost }),
    config: {
      version: config.version,
      term: config.term,
      members: config.members.map(({ _id, host, votes, priority }) => ({ _id, host, votes, priority })),
    },
    members: status.members.map((member) => observedMember(member, status)),
    configCommitted: status.myState === 'PRIMARY' && (await primaryHasCommitted(mongod, config.version)),
  };
}

export async function readStatus(mongod: Mongod): Promise<StatusReply> {
  try {
    return statusReply.parse(await mongod.command({ replSetGetStatus: 1 }));
  } catch (error) {
    if (hasCode(error, code.invalidReplicaSetConfig)) return { myState: 'REMOVED', members: [] };
    if (hasCode(error, code.notYetInitialized)) return { myState: 'STARTUP', members: [] };
    throw error;
  }
}

async function primaryHasCommitted(mongod: Mongod, version: number): Promise<boolean> {
  try {
    return await isCommitted(mongod, version);
  } catch (error) {
    // It stepped down between the two questions.
    if (error instanceof Refusal && error.code === 'NOT_PRIMARY') return false;
    throw error;
  }
}

function observedMember(member: StatusReply['members'][number], { members }: StatusReply): ObservedMember {
  const { _id, name: host, state, health, optimeDate } = member;
  const optimeMillis = optimeDate?.getTime() ?? 0;
  const primary = members.find((other) => other.state === 'PRIMARY' && other.health === 1)?.optimeDate?.getTime();
  const isSeen = health === 1 && optimeMillis > 0;
  return {
    _id,
    host,
    state,
    health,
    optimeMillis,
    ...(primary !== undefined && isSeen && { lagSeconds: Math.max(0, primary - optimeMillis) / 1_000 }),
  };
}
