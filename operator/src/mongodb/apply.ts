import { randomBytes } from 'node:crypto';
import { agentContract } from '@authstack/mongodb-agent/api';
import type { AuthStack } from '../api/auth-stack.ts';
import { labelsOf, namesOf, namespaceOf } from '../api/names.ts';
import { performKubernetes } from '../runtime/cluster.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { connectionUri } from './members.ts';
import type { MongodbPorts } from './observe.ts';
import type { MongodbAction, MongodbOwnAction } from './types.ts';

/** The config's election time-out: how long members wait for a silent primary. */
const ELECTION_TIMEOUT_MILLIS = 4_000;

/** The Secret that an action needs was there when it was planned; the next pass looks afresh. */
export class SecretGone extends Error {
  override readonly name: string = 'SecretGone';
  readonly code: string = 'SECRET_GONE';
}

export async function performMongodb(action: MongodbAction, ports: MongodbPorts, pass: Pass): Promise<void> {
  return isKubernetes(action) ? performKubernetes(action, ports.cluster, pass) : performOwn(action, ports, pass);
}

function isKubernetes(action: MongodbAction): action is KubernetesAction {
  return ['apply', 'create', 'replace', 'delete'].includes(action.type);
}

async function performOwn(action: MongodbOwnAction, ports: MongodbPorts, pass: Pass): Promise<void> {
  const { agents } = ports;
  const { paths } = agentContract;
  switch (action.type) {
    case 'createKeyfile':
      return createKeyfile(action.stack, ports, pass);
    case 'createUser':
      return createUser(action, ports, pass);
    case 'refreshUri':
      return refreshUri(action.stack, ports, pass);
    case 'release': {
      const { stack, member, pvcUid } = action;
      return agents.command(stack, { member, path: paths.release, body: { pvcUid } }, pass);
    }
    case 'initiate': {
      const { stack, member, pvcUid } = action;
      const body = { pvcUid, host: member.host, electionTimeoutMillis: ELECTION_TIMEOUT_MILLIS };
      return agents.command(stack, { member, path: paths.initiate, body }, pass);
    }
    case 'reconfigure': {
      const { stack, member, expectedVersion, members } = action;
      return agents.command(stack, { member, path: paths.reconfig, body: { expectedVersion, members } }, pass);
    }
    case 'ensureUsers':
      return ensureUsers(action, ports, pass);
  }
}

/** 756 random bytes make 1,008 characters of base64; mongod takes up to 1,024. */
async function createKeyfile(stack: AuthStack, { cluster }: MongodbPorts, pass: Pass): Promise<void> {
  const keyfile = randomBytes(756).toString('base64');
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
