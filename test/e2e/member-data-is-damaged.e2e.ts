import { crash, eventually, expect, get, kubectl, scenario, underLoad } from './world.ts';

scenario(
  'a stuck member and one with damaged files are named with the remedy, and resync',
  { minutes: 6, suite: 'full' },
  async (world) => {
    const { causes } = await underLoad(world, { members: 3 }, async ({ stack, becomesHealthy }) => {
      const primary = await stack.primaryOrdinal();
      const [stuck = 1, damaged = 2] = [0, 1, 2].filter((ordinal) => ordinal !== primary);

      // As one that fell too far behind: it is in the set, answers, and serves nothing.
      await stack.askMember(stuck, (client) => client.db('admin').command({ replSetMaintenance: true }));
      await isNamed(/is RECOVERING\b/, stuck);
      await stack.annotate('resync-member', stuck);
      await isResynced(stuck);
      await stack.annotate('resync-member', undefined);

      const pod = stack.member(damaged);
      const overwrite =
        'for file in /data/db/collection-*.wt; do dd if=/dev/urandom of=$file bs=4096 seek=1 count=8 conv=notrunc; done';
      await kubectl(['-n', stack.namespace, 'exec', pod, '-c', 'mongod', '--', 'sh', '-c', overwrite]);
      await crash(await get(stack.namespace, 'pod', pod), 'mongod');
      await isNamed(/container mongod of Pod .* ended with/, damaged);
      await stack.annotate('resync-member', damaged);
      await isResynced(damaged);

      async function isNamed(what: RegExp, ordinal: number): Promise<void> {
        await eventually(
          async () => {
            const condition = await stack.condition('DatabaseReady');
            expect(condition).toMatchObject({ status: 'True', reason: 'Degraded' });
            expect(condition?.message).toMatch(what);
            expect(condition?.message).toContain(`authstack.dev/resync-member=${ordinal}`);
          },
          { within: 90 },
        );
      }

      async function isResynced(ordinal: number): Promise<void> {
        await eventually(
          async () => expect(await stack.secret('mongodb-identity')).toMatchObject({ rebuilt: `data ${ordinal}` }),
          { within: 120 },
        );
        await becomesHealthy();
      }
    });
    expect(causes).toEqual([]);
  },
);
