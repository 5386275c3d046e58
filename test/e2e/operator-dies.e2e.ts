import { setTimeout as pause } from 'node:timers/promises';
import { aPerson, expect, installedOperator, scenario } from './world.ts';

scenario(
  'the operator is killed again and again while it initiates a replica set, which is initiated once',
  { minutes: 6, suite: 'core', alone: true },
  async (world) => {
    const stack = await world.createStack({ members: 3 });
    for (let kills = 0; kills < 6; kills++) {
      await pause(2_500);
      await installedOperator.kill();
    }

    await stack.becomes('Ready', { within: 180 });

    const { 'replica-set-id': initiated = '' } = await stack.secret('mongodb-identity');
    expect(initiated).toMatch(/^[0-9a-f]{24}$/);
    for (const ordinal of [0, 1, 2]) {
      const { replicaSetId, initiations } = await stack.askMember(ordinal, async (client) => {
        const { config } = await client.db('admin').command({ replSetGetConfig: 1 });
        const oplog = client.db('local').collection('oplog.rs');
        const count = await oplog.countDocuments({ op: 'n', 'o.msg': 'initiating set' });
        const { settings } = config as { settings: { replicaSetId: { toHexString(): string } } };
        return { replicaSetId: settings.replicaSetId.toHexString(), initiations: count };
      });
      expect(replicaSetId).toBe(initiated);
      // A member that joined later copied the data, not the oplog before.
      expect(initiations).toBeLessThanOrEqual(1);
    }
    expect((await stack.visitor().signUp(aPerson())).status).toBe(201);
  },
);
