import { eventually, expect, find, installedOperator, kubectl, scenario } from './world.ts';
import { installedChart } from '../world/chart.ts';

scenario(
  'another replica takes over from a frozen leader within 15 s, and the old leader ends once it resumes',
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

    await eventually(async () => expect(await find(stack.namespace, 'service', service)).toBeDefined(), { within: 15 });
    const newLeader = await installedOperator.leader();
    expect(newLeader).not.toBe(leader);
    await frozen.thaw();
    // A process that lost its lease ends, so that no former leader acts.
    await eventually(async () => expect(await installedOperator.restartsOf(leader)).toBeGreaterThan(restarts), {
      within: 30,
    });
    expect(await installedOperator.leader()).toBe(newLeader);
  },
);
