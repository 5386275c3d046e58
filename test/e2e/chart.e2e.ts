import { aPerson, eventually, expect, installedOperator, kubectl, scenario } from './world.ts';
import { installedChart } from '../world/chart.ts';

scenario(
  'uninstalling, installing and upgrading the chart leaves CRDs, stacks and people alone',
  { minutes: 6, suite: 'core', alone: true },
  async (world) => {
    const stack = await world.createStack({ members: 1, replicas: 1 });
    await stack.becomes('Ready', { within: 120 });
    const person = aPerson();
    expect((await stack.visitor().signUp(person)).status).toBe(201);
    const { uid } = (await stack.read()).metadata;

    await using chart = await installedChart();
    await chart.uninstall();
    await eventually(async () => expect(await installedOperator.podNames()).toEqual([]), { within: 60 });
    expect(await kubectl(['get', 'crd', '-o', 'name'])).toContain('authstacks.authstack.dev');
    expect((await stack.read()).metadata.uid).toBe(uid);
    expect((await stack.visitor().signIn(person)).status).toBe(200);

    await chart.install();
    await chart.upgrade({ podAnnotations: { 'e2e/upgraded': 'yes' } });
    await stack.killPods((await stack.pods('auth')).map(({ metadata }) => metadata.name));
    await stack.becomes('Ready', { within: 120 });
    expect((await stack.read()).metadata.uid).toBe(uid);
    await eventually(async () => expect((await stack.visitor().signIn(person)).status).toBe(200), { within: 30 });
  },
);
