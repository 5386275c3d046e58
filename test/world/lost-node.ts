import { docker } from '../../cluster/docker.ts';
import { eventually } from './eventually.ts';
import { get, kubectl } from './kubectl.ts';
import type { Stack } from './stack.ts';

/** Suspends a node: nothing on it runs or answers, as after a power loss. */
export async function stopNode(node: string): Promise<AsyncDisposable> {
  await docker(['pause', node]);
  let isStopped = true;
  return {
    async [Symbol.asyncDispose]() {
      if (isStopped) await docker(['unpause', node]);
      isStopped = false;
    },
  };
}

export async function nodeOf(stack: Stack, pod: string): Promise<string> {
  const { spec } = await get(stack.namespace, 'pod', pod);
  return (spec as { nodeName: string }).nodeName;
}

/** Makes a member primary that shares its node with neither the operator nor other members; answers its name. */
export async function primaryOnAWorkerOfItsOwn(stack: Stack): Promise<string> {
  const operators = JSON.parse(await kubectl(['-n', 'authstack-system', 'get', 'pods', '-o', 'json'])) as {
    items: { spec: { nodeName: string } }[];
  };
  const taken = new Set(operators.items.map(({ spec }) => spec.nodeName));
  const nodes = await Promise.all([0, 1, 2].map((ordinal) => nodeOf(stack, stack.member(ordinal))));
  const wanted = nodes.findIndex(
    (node, ordinal) => !taken.has(node) && nodes.every((other, at) => at === ordinal || other !== node),
  );
  if (wanted < 0) {
    throw new Error(`no member is alone: members on ${nodes.join(', ')}, operator on ${[...taken].join(', ')}`);
  }
  return makePrimary(stack, wanted);
}

/** Makes the member on that node primary; answers its name. */
export async function primaryOn(stack: Stack, node: string): Promise<string> {
  const nodes = await Promise.all([0, 1, 2].map((ordinal) => nodeOf(stack, stack.member(ordinal))));
  if (!nodes.includes(node)) throw new Error(`no member is on ${node}: they are on ${nodes.join(', ')}`);
  return makePrimary(stack, nodes.indexOf(node));
}

async function makePrimary(stack: Stack, wanted: number): Promise<string> {
  if ((await stack.primary()) !== stack.member(wanted)) {
    const former = await stack.primaryOrdinal();
    const others = [0, 1, 2].filter((ordinal) => ordinal !== wanted);
    // The third one is no candidate for a moment, so that the wanted one is elected.
    for (const ordinal of others) if (ordinal !== former) await freeze(stack, ordinal, 30);
    await stack.askMember(former, (client) => client.db('admin').command({ replSetStepDown: 60 }));
    await eventually(
      async () => {
        const primary = await stack.primary();
        if (primary !== stack.member(wanted)) throw new Error(`${primary} is the primary, not ${stack.member(wanted)}`);
      },
      { within: 30 },
    );
    // From now on both are candidates again, that of the step-down as well.
    for (const ordinal of others) await freeze(stack, ordinal, 0);
  }
  return stack.member(wanted);
}

/** For so many seconds the member does not stand for election (mongodb.com/docs, "replSetFreeze"). */
async function freeze(stack: Stack, ordinal: number, seconds: number): Promise<void> {
  await stack.askMember(ordinal, (client) => client.db('admin').command({ replSetFreeze: seconds }));
}
