import { randomBytes } from 'node:crypto';
import { agentContract } from '@authstack/mongodb-agent/api';
import { AgentError } from '../agents/client.ts';
import type { AgentClient, AgentCommand } from '../agents/client.ts';
import { isKubernetesAction, performKubernetes } from '../runtime/cluster.ts';
import type { Cluster, Performed } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { ObjectRef } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { authUserSecret, rootUserSecret } from '../stored/database-users.ts';
import type { Credentials } from '../stored/database-users.ts';
import { keyfileSecret } from '../stored/keyfile.ts';
import { createStored, readStored, replaceStored } from '../stored/secret.ts';
import type { Seen, StoredSecret } from '../stored/secret.ts';
import type { AgentAction, MongodbAction, SecretAction } from './members/action.ts';
import { connectionUri } from './members/addresses.ts';

export interface MongodbApplyPorts {
  readonly cluster: Cluster;
  readonly agents: AgentClient;
}

/**
 * Of the replica set (mongodb.com/docs, "Replica Set Configuration"). Unbounded, the catch-up waits until the heartbeat of a
 * member that fell silent has timed out, for writes that were never acknowledged by a majority.
 */
const settings = { electionTimeoutMillis: 4_000, catchUpTimeoutMillis: 1_000 };

/** The Secret that an action needs existed when it was planned; the next pass observes again. */
export class SecretGone extends Error {
  override readonly name: string = 'SecretGone';
  readonly code: string = 'SECRET_GONE';
}

export async function performMongodb(action: MongodbAction, ports: MongodbApplyPorts, pass: Pass): Promise<Performed> {
  if (isKubernetesAction(action)) return performKubernetes(action, ports.cluster, pass);
  if (!isAgentAction(action)) return writeSecret(action, ports, pass);
  if (action.type === 'standForElection') return standForElection(action, ports, pass);
  if (action.type === 'ensureUsers') await ensureUsers(action, ports, pass);
  else await ports.agents.command(action.stack, { member: action.member, ...requestOf(action) }, pass);
  return 'done';
}

function isAgentAction(action: AgentAction | SecretAction): action is AgentAction {
  return 'member' in action && action.type !== 'recoverKeyfile';
}

function requestOf(
  action: Exclude<AgentAction, { type: 'ensureUsers' | 'standForElection' }>,
): Pick<AgentCommand, 'path' | 'body'> {
  const { paths } = agentContract;
  switch (action.type) {
    case 'release':
      return { path: paths.release, body: { pvcUid: action.pvcUid } };
    case 'initiate':
      return { path: paths.initiate, body: { pvcUid: action.pvcUid, host: action.member.host, settings } };
    case 'reconfigure':
      return { path: paths.reconfig, body: { expectedVersion: action.expectedVersion, members: action.members } };
    case 'stepDown':
      return { path: paths.stepDown, body: {} };
    case 'fence':
      return { path: paths.fence, body: { pvcUid: action.pvcUid, fenced: action.fenced } };
    case 'wipe':
      return { path: paths.wipe, body: { pvcUid: action.pvcUid } };
    case 'raiseCompatibility':
      return { path: paths.compatibility, body: { version: action.version } };
  }
}

/** An election has taken place, or the votes went elsewhere; NOT_FOUND: the agent is older than the command. */
const overtaken: ReadonlySet<string> = new Set(['TERM_CHANGED', 'NOT_SECONDARY', 'ELECTION_LOST', 'NOT_FOUND']);

async function standForElection(
  { stack, member, term, ended }: Extract<AgentAction, { type: 'standForElection' }>,
  { agents }: MongodbApplyPorts,
  pass: Pass,
): Promise<Performed> {
  try {
    await agents.command(stack, { member, path: agentContract.paths.stepUp, body: { term, ended } }, pass);
    return 'done';
  } catch (error) {
    if (error instanceof AgentError && overtaken.has(error.code)) return 'overtaken';
    throw error;
  }
}

async function writeSecret(
  action: SecretAction,
  { cluster, agents }: MongodbApplyPorts,
  pass: Pass,
): Promise<Performed> {
  const create = <Value>(kind: StoredSecret<Value>, value: Value): Promise<Performed> =>
    performKubernetes(createStored(kind, { metadata: action.stack }, value), cluster, pass);
  switch (action.type) {
    case 'createKeyfile':
      // 756 random bytes make 1,008 characters of base64; mongod takes up to 1,024.
      return create(keyfileSecret, { keyfile: randomBytes(756).toString('base64') });
    case 'recoverKeyfile':
      return create(keyfileSecret, { keyfile: await agents.keyfile(action.stack, action.member, pass) });
    case 'createRootUser':
      return create(rootUserSecret, newCredentials('root'));
    case 'createAuthUser': {
      const credentials = newCredentials('auth');
      return create(authUserSecret, { ...credentials, uri: connectionUri(action.hosts, credentials) });
    }
    case 'refreshUri':
      return refreshUri(action, { cluster }, pass);
  }
}

/** Hex needs no escaping in a connection string. */
function newCredentials(username: string): Credentials {
  return { username, password: randomBytes(24).toString('hex') };
}

async function refreshUri(
  { stack, hosts }: Extract<SecretAction, { type: 'refreshUri' }>,
  { cluster }: Pick<MongodbApplyPorts, 'cluster'>,
  pass: Pass,
): Promise<Performed> {
  const { value, resourceVersion } = await read(authUserSecret, stack, { cluster, pass });
  const fresh = { ...value, uri: connectionUri(hosts, value) };
  const write = replaceStored(authUserSecret, { metadata: stack }, { value: fresh, resourceVersion });
  return performKubernetes(write, cluster, pass);
}

/** The passwords go from the Secret to the database over mTLS, and nowhere else. */
async function ensureUsers(
  { stack, member }: Extract<AgentAction, { type: 'ensureUsers' }>,
  { cluster, agents }: MongodbApplyPorts,
  pass: Pass,
): Promise<void> {
  const users = [
    { kind: rootUserSecret, roles: [{ role: 'root', db: 'admin' }] },
    { kind: authUserSecret as StoredSecret<Credentials>, roles: [{ role: 'readWrite', db: 'auth' }] },
  ];
  for (const { kind, roles } of users) {
    const { username, password } = (await read(kind, stack, { cluster, pass })).value;
    const body = { username, password, roles };
    await agents.command(stack, { member, path: agentContract.paths.users, body }, pass);
  }
}

async function read<Value>(
  kind: StoredSecret<Value>,
  stack: ObjectRef,
  { cluster, pass }: { readonly cluster: Cluster; readonly pass: Pass },
): Promise<Extract<Seen<Value>, { state: 'value' }>> {
  const name = kind.nameOf(stack.name);
  const secret = await cluster.read(secretKind, { ...stack, name }, pass);
  const seen = readStored(kind, { metadata: stack }, secret);
  if (seen.state !== 'value') throw new SecretGone(`read Secret ${stack.namespace ?? ''}/${name}: it is ${seen.state}`);
  return seen;
}
