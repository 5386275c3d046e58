import { expect } from '@jest/globals';
import { docker } from '../../../cluster/docker.ts';
import { eventually } from './eventually.ts';
import { get, kubectl } from './kubectl.ts';
import type { Stack } from './stack.ts';

/** A node without power, as the others see it: nothing on it moves and nothing of it answers. */
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

/** Makes a member primary whose node can be lost without the operator and the API server; answers its name. */
export async function primaryOnAWorkerOfItsOwn(stack: Stack): Promise<string> {
  const operators = JSON.parse(await kubectl(['-n', 'authstack-system', 'get', 'pods', '-o', 'json'])) as {
    items: { spec: { nodeName: string } }[];
  };
  const taken = new Set(operators.items.map(({ spec }) => spec.nodeName));
  const others: number[] = [];
  for (const ordinal of [0, 1, 2]) if (!taken.has(await nodeOf(stack, stack.member(ordinal)))) others.push(ordinal);
  const [wanted] = others;
  if (wanted === undefined) throw new Error('every member shares its node with the operator');
  if ((await stack.primary()) !== stack.member(wanted)) {
    const former = Number((await stack.primary()).split('-').at(-1));
    const hosts = [0, 1, 2].filter((ordinal) => ordinal !== former && ordinal !== wanted);
    // The third one stands back for a moment, so that the wanted one is elected.
    for (const ordinal of hosts) {
      await stack.askMember(ordinal, (client) => client.db('admin').command({ replSetFreeze: 30 }));
    }
    await stack.askMember(former, (client) => client.db('admin').command({ replSetStepDown: 60 }));
    await eventually(async () => expect(await stack.primary()).toBe(stack.member(wanted)), { within: 30 });
  }
  return stack.member(wanted);
}
