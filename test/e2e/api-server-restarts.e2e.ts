import { eventually, expect, find, installedOperator, kubectl, onNode, scenario } from './world.ts';

scenario(
  'the API server is killed, and the operator continues once it is back',
  { minutes: 5, suite: 'core', alone: true },
  async (world) => {
    const stack = await world.createStack({ members: 1, replicas: 1 });
    await stack.becomes('Ready', { within: 120 });
    const service = `${stack.name}-auth`;
    const operators = await installedOperator.podNames();
    const restarts = await Promise.all(operators.map((name) => installedOperator.restartsOf(name)));

    await onNode('auth-stack-control-plane', ['pkill', '-KILL', 'kube-apiserver']);

    await eventually(() => kubectl(['-n', stack.namespace, 'delete', 'service', service]), { within: 60 });
    await eventually(async () => expect(await find(stack.namespace, 'service', service)).toBeDefined(), { within: 40 });
    expect(await installedOperator.podNames()).toEqual(operators);
    // A leader that could not renew its lease in time must end, which a slow API server can cause; nothing else may.
    for (const [index, name] of operators.entries()) {
      if ((await installedOperator.restartsOf(name)) === restarts[index]) continue;
      expect(await installedOperator.lastLogLine(name)).toMatchObject({ outcome: 'lost' });
      expect(await installedOperator.restartsOf(name)).toBe((restarts[index] ?? 0) + 1);
    }
  },
);
