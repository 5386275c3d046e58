import { randomBytes } from 'node:crypto';
import { agentContract } from '@authstack/mongodb-agent/api';
import type { AgentCommand } from '../agents/client.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { labelsOf, namesOf, namespaceOf } from '../api/names.ts';
import { isKubernetesAction, performKubernetes } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { connectionUri } from './members/member.ts';
import type { MongodbAction, MongodbOwnAction, ReachableMember } from './members/types.ts';
import type { MongodbPorts } from './observe.ts';

/**
 * Of the replica set (mongodb.com/docs, "Replica Set Configuration"). Unbounded, the catch-up waits until the heartbeat of a
 * member that fell silent has timed out, for writes that were never acknowledged by a majority.
 */
const settings = { electionTimeoutMillis: 4_000, catchUpTimeoutMillis: 1_000 };

/** The Secret that an action needs was there when it was planned; the next pass looks afresh. */
export class SecretGone extends Error {
  override readonly name: string = 'SecretGone';
  readonly code: string = 'SECRET_GONE';
}

export async function performMongodb(action: MongodbAction, ports: MongodbPorts, pass: Pass): Promise<void> {
  if (isKubernetesAction(action)) await performKubernetes(action, ports.cluster, pass);
  else await performOwn(action, ports, pass);
}

/** What an agent is merely asked to do. */
type AgentAction = Exclude<
  Extract<MongodbOwnAction, { readonly member: ReachableMember }>,
  { readonly type: 'ensureUsers' | 'recoverKeyfile' }
>;

async function performOwn(action: MongodbOwnAction, ports: MongodbPorts, pass: Pass): Promise<void> {
  if (isRequest(action)) {
    return ports.agents.command(action.stack, { member: action.member, ...requestOf(action) }, pass);
  }
  switch (action.type) {
    case 'createKeyfile':
      return createKeyfile(action.stack, ports, pass);
    case 'recoverKeyfile':
      return recoverKeyfile(action, ports, pass);
    case 'createUser':
      return createUser(action, ports, pass);
    case 'refreshUri':
      return refreshUri(action.stack, ports, pass);
    case 'ensureUsers':
      return ensureUsers(action, ports, pass);
  }
}

function isRequest(action: MongodbOwnAction): action is AgentAction {
  return 'member' in action && action.type !== 'ensureUsers' && action.type !== 'recoverKeyfile';
}

function requestOf(action: AgentAction): Pick<AgentCommand, 'path' | 'body'> {
  const { paths } = agentContract;
  switch (action.type) {
    case 'release':
      return { path: paths.release, body: { pvcUid: action.pvcUid } };
    case 'initiate': {
      const { pvcUid, member } = action;
      return { path: paths.initiate, body: { pvcUid, host: member.host, settings } };
    }
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

/** 756 random bytes make 1,008 characters of base64; mongod takes up to 1,024. */
async function createKeyfile(stack: AuthStack, { cluster }: MongodbPorts, pass: Pass): Promise<void> {
  const keyfile = randomBytes(756).toString('base64');
  await cluster.create(secretKind, secret(stack, namesOf(stack.metadata.name).keyfile, { keyfile }), pass);
}

async function recoverKeyfile(
  { stack, member }: Extract<MongodbOwnAction, { type: 'recoverKeyfile' }>,
  { cluster, agents }: MongodbPorts,
  pass: Pass,
): Promise<void> {
  const keyfile = await agents.keyfile(stack, member, pass);
  await cluster.create(secretKind, secret(stack, namesOf(stack.metadata.name).keyfile, { keyfile }), pass);
}

async function createUser(
  { stack, user }: { readonly stack: AuthStack; readonly user: 'root' | 'auth' },
  { cluster }: MongodbPorts,
  pass: Pass,
): Promise<void> {
  const names = namesOf(stack.metadata.name);
  // Hex needs no escaping in a connection string.
  const credentials = { username: user, password: randomBytes(24).toString('hex') };
  const data = user === 'root' ? credentials : { ...credentials, uri: connectionUri(stack, credentials) };
  await cluster.create(secretKind, secret(stack, user === 'root' ? names.rootUser : names.authUser, data), pass);
}

async function refreshUri(stack: AuthStack, { cluster }: MongodbPorts, pass: Pass): Promise<void> {
  const stored = await storedSecret(stack, namesOf(stack.metadata.name).authUser, { cluster, pass });
  const credentials = credentialsIn(stored);
  const uri = Buffer.from(connectionUri(stack, credentials)).toString('base64');
  await cluster.replace(secretKind, { ...stored, data: { ...stored.data, uri } } as Secret, pass);
}

/** The passwords go from the Secret to the database over mTLS, and nowhere else. */
async function ensureUsers(
  { stack, member, then }: Extract<MongodbOwnAction, { type: 'ensureUsers' }>,
  { cluster, agents }: MongodbPorts,
  pass: Pass,
): Promise<void> {
  const names = namesOf(stack.metadata.name);
  const users = [
    { name: names.rootUser, roles: [{ role: 'root', db: 'admin' }] },
    { name: names.authUser, roles: [{ role: 'readWrite', db: 'auth' }] },
  ];
  for (const { name, roles } of users) {
    const credentials = credentialsIn(await storedSecret(stack, name, { cluster, pass }));
    const body = { ...credentials, roles };
    await agents.command(stack, { member, path: agentContract.paths.users, body }, pass);
  }
  await performKubernetes(then, cluster, pass);
}

async function storedSecret(
  stack: AuthStack,
  name: string,
  { cluster, pass }: { readonly cluster: MongodbPorts['cluster']; readonly pass: Pass },
): Promise<Secret> {
  const found = await cluster.read(secretKind, { namespace: namespaceOf(stack), name }, pass);
  if (!found) throw new SecretGone(`read Secret ${namespaceOf(stack)}/${name}: it is gone`);
  return { ...found, apiVersion: 'v1', kind: 'Secret' };
}

function credentialsIn({ data }: Secret): { username: string; password: string } {
  const text = (key: string): string => Buffer.from(data?.[key] ?? '', 'base64').toString('utf8');
  return { username: text('username'), password: text('password') };
}

function secret(stack: AuthStack, name: string, data: Readonly<Record<string, string>>): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: namespaceOf(stack), labels: labelsOf(stack, 'mongodb') },
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
  };
}
