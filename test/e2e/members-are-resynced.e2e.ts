import { eventually, expect, get, scenario, underLoad } from './world.ts';

scenario('members are fenced, resynced and replaced on request', { minutes: 8, suite: 'full' }, async (world) => {
  const { causes } = await underLoad(world, { members: 3 }, async ({ stack, becomesHealthy }) => {
    const claimOf = async (ordinal: number): Promise<string> =>
      (await get(stack.namespace, 'pvc', `data-${stack.member(ordinal)}`)).metadata.uid;
    const primary = await stack.primaryOrdinal();

    await stack.annotate('fence-member', primary);
    const fenced = await stack.becomes('DatabaseReady=True/Degraded', { within: 60 });
    await eventually(
      async () => {
        const { message } = (await stack.condition('DatabaseReady')) ?? fenced;
        expect(message).toContain(`${stack.member(primary)} is fenced`);
      },
      { within: 60 },
    );
    await stack.annotate('fence-member', undefined);
    await becomesHealthy();

    const own = await claimOf(1);
    await stack.annotate('resync-member', 1);
    await eventually(async () => expect(await identity()).toMatchObject({ rebuilt: 'data 1' }), { within: 120 });
    await becomesHealthy();
    expect(await claimOf(1)).toBe(own);

    const former = await claimOf(2);
    await stack.annotate('resync-member', undefined);
    await stack.annotate('replace-member', 2);
    await eventually(async () => expect(await identity()).toMatchObject({ rebuilt: 'volume 2' }), { within: 120 });
    await becomesHealthy();
    expect(await claimOf(2)).not.toBe(former);

    function identity(): Promise<object> {
      return stack.secret('mongodb-identity');
    }
  });
  expect(causes).toEqual([]);
});
