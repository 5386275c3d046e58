import { eventually, expect, kubectl, scenario, signUpPeople, whoCannotSignIn } from './world.ts';

interface MemberConfig {
  readonly _id: number;
  readonly host: string;
  readonly votes: number;
}

scenario(
  'a member that lost its volume rejoins as a new member, and no user is lost',
  { minutes: 5, suite: 'core' },
  async (world) => {
    const stack = await world.createStack({ members: 3, replicas: 1 });
    await stack.becomes('Ready', { within: 120 });
    const visit = () => stack.visitor();
    const people = await signUpPeople(10, visit);
    const lost = `${stack.name}-mongodb-2`;
    const survivor = 0;
    const before = await configOf(survivor);

    await kubectl(['-n', stack.namespace, 'delete', 'pvc', `data-${lost}`, '--wait=false']);
    await stack.killPods([lost]);

    await eventually(
      async () => {
        const [was, is] = [memberOf(before), memberOf(await configOf(survivor))];
        expect(is._id).not.toBe(was._id);
        expect(is.votes).toBe(1);
      },
      { within: 90 },
    );
    await stack.becomes('Ready', { within: 60 });
    expect(await whoCannotSignIn(people, visit)).toEqual([]);

    function configOf(ordinal: number): Promise<readonly MemberConfig[]> {
      return stack.askMember(ordinal, async (client) => {
        const { config } = await client.db('admin').command({ replSetGetConfig: 1 });
        return (config as { members: MemberConfig[] }).members;
      });
    }

    function memberOf(members: readonly MemberConfig[]): MemberConfig {
      const found = members.find(({ host }) => host.startsWith(`${lost}.`));
      if (!found) throw new Error(`${lost} is not in the replica set's configuration`);
      return found;
    }
  },
);
