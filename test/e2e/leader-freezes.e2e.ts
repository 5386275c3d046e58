import { eventually, expect, find, installedOperator, kubectl, scenario } from './world.ts';
import { installedChart } from '../world/chart.ts';

scenario(
  'a leader that freezes is succeeded within 20 s, and stands down when it thaws',
  { minutes: 5, suite: 'core', alone: true },
  async (world) => {
    await using chart = await installedChart();
    await chart.upgrade({ replicas: 2 });
    const stack = await world.createStack({ members: 1, replicas: 1 });
    await stack.becomes('Ready', { within: 120 });
    const service = `${stack.name}-auth`;
    const leader = await installedOperator.leader();
    const restarts = await installedOperator.restartsOf(leader);

    await using frozen = await installedOperator.freeze(leader);
    await kubectl(['-n', stack.namespace, 'delete', 'service', service]);

    await eventually(async () => expect(await find(stack.namespace, 'service', service)).toBeDefined(), { within: 20 });
    const successor = await installedOperator.leader();
    expect(successor).not.toBe(leader);
    await frozen.thaw();
    // A process that lost its lease ends, so that nothing of a former leader lives on.
    await eventually(async () => expect(await installedOperator.restartsOf(leader)).toBeGreaterThan(restarts), {
      within: 30,
    });
    expect(await installedOperator.leader()).toBe(successor);
  },
);
