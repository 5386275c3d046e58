import { eventually, expect, scenario, signUpPeople, whoCannotSignIn } from './world.ts';

scenario(
  '50 people can sign in after their database lost a pod, all pods, and its AuthStack',
  { minutes: 6, suite: 'core' },
  async (world) => {
    const stack = await world.createStack({ members: 3 });
    await stack.becomes('Ready', { within: 120 });
    const visit = () => stack.visitor();
    const people = await signUpPeople(50, visit);
    const { replicaSetId } = (await stack.read()).status?.['mongodb'] as { replicaSetId: string };

    await stack.killPods([await stack.primary()]);
    await eventually(async () => expect(await whoCannotSignIn(people, visit)).toEqual([]), { within: 30 });
    await stack.becomes('DatabaseReady', { within: 60 });

    const members = (await stack.pods('mongodb')).map(({ metadata }) => metadata.name);
    expect(members).toHaveLength(3);
    await stack.killPods(members);
    await eventually(async () => expect(await whoCannotSignIn(people, visit)).toEqual([]), { within: 60 });

    await stack.delete();
    await eventually(async () => expect(await stack.pods('mongodb')).toEqual([]), { within: 60 });
    await stack.create();
    await stack.becomes('Ready', { within: 120 });
    await eventually(async () => expect(await whoCannotSignIn(people, visit)).toEqual([]), { within: 30 });

    expect((await stack.read()).status?.['mongodb']).toMatchObject({ replicaSetId });
  },
);

scenario('a database of one member survives its pod as well', { minutes: 3, suite: 'core' }, async (world) => {
  const stack = await world.createStack({ members: 1, replicas: 1 });
  await stack.becomes('Ready', { within: 90 });
  const visit = () => stack.visitor();
  const people = await signUpPeople(5, visit);

  await stack.killPods([await stack.primary()]);

  await eventually(async () => expect(await whoCannotSignIn(people, visit)).toEqual([]), { within: 60 });
});
