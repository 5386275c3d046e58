import type { ConfigMember, ReconfigReply, ReconfigRequest } from '../api.ts';
import type { Clock } from '../clock.ts';
import { Refusal, messageOf } from '../errors.ts';
import { isCommitted, readConfig } from './config.ts';
import type { Mongod } from './connection.ts';
import { code, hasCode } from './failures.ts';
import type { ConfigReply } from './replies.ts';

type Config = ConfigReply['config'];

const COMMIT_TIMEOUT = 15_000;

/** Replaces the members, if the configuration is still the one the change was decided on. */
export async function reconfig(
  { mongod, clock }: { mongod: Mongod; clock: Clock },
  { expectedVersion, members }: ReconfigRequest,
): Promise<ReconfigReply> {
  const current = await currentConfig(mongod, expectedVersion);
  const version = current.version + 1;
  try {
    const next = { ...current, version, members: members.map((member) => mergeMember(member, current)) };
    await mongod.command({ replSetReconfig: next }, { timeoutMillis: COMMIT_TIMEOUT });
  } catch (error) {
    throw explain(error);
  }

  const deadline = clock.now() + COMMIT_TIMEOUT;
  while (!(await isCommitted(mongod, version))) {
    if (clock.now() >= deadline) throw notCommitted(version);
    await clock.sleep(100);
  }
  return { version };
}

async function currentConfig(mongod: Mongod, expectedVersion: number): Promise<Config> {
  const seen = await readConfig(mongod);
  if (seen.state !== 'initialized') {
    throw new Refusal('NOT_INITIALIZED', 'this member belongs to no replica set yet; ask the primary');
  }
  const { config } = seen.reply;
  if (config.version !== expectedVersion) {
    throw new Refusal(
      'CONFIG_CHANGED',
      `the change was decided on version ${expectedVersion}, the set is at ${config.version}; observe it again and decide anew`,
    );
  }
  return config;
}

/** What the request does not contain (tags, hidden, …) stays. */
function mergeMember(member: ConfigMember, current: Config): ConfigMember {
  return { ...current.members.find(({ _id }) => _id === member._id), ...member };
}

function explain(error: unknown): unknown {
  if (hasCode(error, code.newConfigurationIncompatible, code.invalidReplicaSetConfig, code.nodeNotFound)) {
    return new Refusal('CONFIG_REFUSED', `mongod refuses the configuration: ${messageOf(error)}`, { cause: error });
  }
  if (
    hasCode(
      error,
      code.configurationInProgress,
      code.currentConfigNotCommitted,
      code.exceededTimeLimit,
      code.maxTimeExpired,
    )
  ) {
    return new Refusal('CONFIG_NOT_COMMITTED', `no majority has the configuration yet (${messageOf(error)}); retry`, {
      cause: error,
    });
  }
  return error;
}

function notCommitted(version: number): Refusal {
  return new Refusal(
    'CONFIG_NOT_COMMITTED',
    `version ${version} is in force here but no majority of the members has confirmed it; see which members are down`,
  );
}
