import { eventually } from '../../test/world/eventually.ts';
import { get, kubectl } from '../../test/world/kubectl.ts';
import type { StoredObject } from '../../test/world/kubectl.ts';
import { nodeOf, primaryOn, primaryOnAWorkerOfItsOwn, stopNode } from '../../test/world/lost-node.ts';
import { containersOf, crash } from '../../test/world/node.ts';
import { installedOperator } from '../../test/world/operator.ts';
import type { Stack } from '../../test/world/stack.ts';

/** What happens to a stack, and what it may cost. */
export interface Event {
  readonly name: string;
  readonly what: string;
  /** Longest time without an acknowledged write, in milliseconds. */
  readonly writes: { readonly max: number; readonly median?: number };
  readonly signIns: {
    /** How many may fail at all; without it, as many as fail within `failingFor`. */
    readonly failed?: number;
    /** From the first failure to the end of the last, in milliseconds. */
    readonly failingFor?: number;
    /** Longest answer, in milliseconds. */
    readonly longest?: number;
    /** A failure is a 503 with Retry-After. */
    readonly politely?: boolean;
  };
  /** Calls `begun` just before; ends when it has had its effect, and what was taken away is back. */
  readonly happen: (stack: Stack, begun: () => void) => Promise<void>;
}

/** What is promised for each event, in the order in which they are measured. */
export const events: readonly Event[] = [
  {
    name: 'killed',
    what: 'mongod of the primary gets SIGKILL',
    writes: { median: 1_000, max: 2_000 },
    signIns: { failed: 0, longest: 3_000 },
    happen: killMongod,
  },
  {
    name: 'deleted',
    what: 'every process of the pod of the primary gets SIGKILL, and the pod is deleted by force',
    writes: { median: 1_000, max: 2_000 },
    signIns: { failed: 0, longest: 3_000 },
    happen: deletePod,
  },
  {
    name: 'stepped-down',
    what: 'the pod of the primary is deleted as in a drain, and hands over',
    writes: { max: 500 },
    signIns: { failed: 0, longest: 1_000 },
    happen: handOver,
  },
  {
    name: 'rolled',
    what: 'the pods of the auth service are replaced by a rolling update',
    writes: { max: 500 },
    signIns: { failed: 0, longest: 1_000 },
    happen: rollAuthService,
  },
  {
    name: 'frozen',
    what: 'the primary is frozen with its connections open, until another has taken its place',
    writes: { max: 7_500 },
    signIns: { longest: 8_000, politely: true },
    happen: freeze,
  },
  {
    name: 'node-dies',
    what: 'the node of the primary and an auth pod dies; the leader is elsewhere',
    writes: { max: 7_500 },
    signIns: { failingFor: 10_000 },
    happen: loseNode,
  },
  {
    name: 'leaders-node-dies',
    what: 'the node of the leader, the primary and an auth pod dies',
    writes: { max: 7_500 },
    signIns: { failingFor: 20_000 },
    happen: loseNodeOfTheLeader,
  },
];

async function killMongod(stack: Stack, begun: () => void): Promise<void> {
  const primary = await get(stack.namespace, 'pod', await stack.primary());
  begun();
  await crash(primary, 'mongod');
  await isNoLongerPrimary(stack, primary.metadata.name);
}

async function deletePod(stack: Stack, begun: () => void): Promise<void> {
  const primary = await stack.primary();
  begun();
  await stack.killPods([primary]);
  await isNoLongerPrimary(stack, primary);
}

async function handOver(stack: Stack, begun: () => void): Promise<void> {
  const primary = await stack.primary();
  begun();
  await kubectl(['-n', stack.namespace, 'delete', 'pod', primary, '--wait=false']);
  await isNoLongerPrimary(stack, primary);
}

async function rollAuthService(stack: Stack, begun: () => void): Promise<void> {
  const { spec } = await stack.read();
  const { accessTokenTTL } = (spec as { auth: { accessTokenTTL?: string } }).auth;
  const before = await authDeployment(stack);
  begun();
  await stack.patch({ auth: { accessTokenTTL: accessTokenTTL === '29m' ? '30m' : '29m' } });
  await eventually(
    async () => {
      const { metadata } = await authDeployment(stack);
      if (metadata.generation === before.metadata.generation) throw new Error('the Deployment is still the old one');
    },
    { within: 30 },
  );
  const deployment = `deployment/${before.metadata.name}`;
  await kubectl(['-n', stack.namespace, 'rollout', 'status', deployment, '--timeout=180s']);
}

async function freeze(stack: Stack, begun: () => void): Promise<void> {
  const primary = await stack.primary();
  const containers = await containersOf(await get(stack.namespace, 'pod', primary));
  begun();
  await containers.act('pause');
  try {
    await isNoLongerPrimary(stack, primary);
  } finally {
    await containers.act('resume');
  }
}

async function loseNode(stack: Stack, begun: () => void): Promise<void> {
  const primary = await primaryOnAWorkerOfItsOwn(stack);
  await nodeIsAway(stack, { primary, node: await nodeOf(stack, primary) }, begun);
}

async function loseNodeOfTheLeader(stack: Stack, begun: () => void): Promise<void> {
  const { spec } = await get(installedOperator.namespace, 'pod', await installedOperator.leader());
  const { nodeName } = spec as { nodeName: string };
  const primary = await primaryOn(stack, nodeName);
  await nodeIsAway(stack, { primary, node: nodeName }, begun);
}

/** Dead for as long as another primary and the answers take, and back. */
async function nodeIsAway(
  stack: Stack,
  { primary, node }: { readonly primary: string; readonly node: string },
  begun: () => void,
): Promise<void> {
  begun();
  await using _dead = await stopNode(node);
  await isNoLongerPrimary(stack, primary);
  await stack.becomes('DatabaseReady=True/Degraded', { within: 60 });
}

function authDeployment(stack: Stack): Promise<StoredObject> {
  return get(stack.namespace, 'deployment', `${stack.name}-auth`);
}

async function isNoLongerPrimary(stack: Stack, primary: string): Promise<void> {
  await eventually(
    async () => {
      if ((await stack.primary()) === primary) throw new Error(`${primary} is still the primary`);
    },
    { within: 60 },
  );
}
