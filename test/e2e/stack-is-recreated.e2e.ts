import { apply, eventually, expect, scenario, signUpPeople, whoCannotSignIn } from './world.ts';

scenario('a recreated stack must match the data on its volumes', { minutes: 6, suite: 'core' }, async (world) => {
  const stack = await world.createStack({ members: 3, replicas: 1 });
  await stack.becomes('Ready', { within: 120 });
  const visit = () => stack.visitor();
  const people = await signUpPeople(5, visit);
  await stack.delete();
  await eventually(async () => expect(await stack.pods('mongodb')).toEqual([]), { within: 90 });

  const manifest = stack.manifest() as { spec: { mongodb: object } };
  const asking = (mongodb: object): object => ({
    ...manifest,
    spec: { ...manifest.spec, mongodb: { ...manifest.spec.mongodb, ...mongodb } },
  });

  await apply(asking({ members: 1 }));
  const fewer = await stack.becomes('DatabaseReady=False/AdoptionRefused', { within: 30 });
  expect(fewer.message).toContain('spec.mongodb.members: 3');
  expect(await stack.pods('mongodb')).toEqual([]);
  await stack.delete();

  await apply(asking({ version: '4.4' }));
  const older = await stack.becomes('DatabaseReady=False/AdoptionRefused', { within: 30 });
  expect(older.message).toContain('spec.mongodb.version: "6.0"');
  expect(await stack.pods('mongodb')).toEqual([]);
  await stack.delete();

  await stack.create();
  await stack.becomes('Ready', { within: 120 });
  await eventually(async () => expect(await whoCannotSignIn(people, visit)).toEqual([]), { within: 30 });
});
