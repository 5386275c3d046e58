import { eventually, expect, scenario, signUpPeople, whoCannotSignIn } from './world.ts';

scenario('a hibernated database resumes with all its users', { minutes: 5, suite: 'full' }, async (world) => {
  const stack = await world.createStack({ members: 3, replicas: 1 });
  await stack.becomes('Ready', { within: 120 });
  const visit = () => stack.visitor();
  const people = await signUpPeople(5, visit);

  await stack.patch({ mongodb: { hibernate: true } });
  await eventually(async () => expect(await stack.pods('mongodb')).toEqual([]), { within: 90 });
  await eventually(
    async () => {
      const asleep = await stack.condition('DatabaseReady');
      expect(asleep).toMatchObject({ status: 'False', reason: 'Hibernated' });
      expect(asleep?.message).toContain('No member runs; the volumes stay');
    },
    { within: 30 },
  );

  await stack.patch({ mongodb: { hibernate: false } });
  await stack.becomes('Ready', { within: 120 });
  await eventually(async () => expect(await whoCannotSignIn(people, visit)).toEqual([]), { within: 30 });
});
