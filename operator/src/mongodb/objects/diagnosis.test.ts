import { describe, expect, test } from '@jest/globals';
import type { MongodbObservation } from '../members/observation.ts';
import { planMongodb } from '../plan.ts';
import { NOW, aStack, claim, held, member, pod, released, seen } from '../testing/seen.ts';
import { container, firstMember } from '../testing/sets.ts';
import { now, summary } from '../testing/summary.ts';
import type { Change } from '../testing/summary.ts';

describe('why members do not come up', () => {
  const unbound = { ...claim(0, { creationTimestamp: new Date(NOW - 60_000).toISOString() }), status: {} };
  const waiting = (
    name: string,
    reason: string,
    terminated: { exitCode: number; reason?: string; message?: string } = { exitCode: 62 },
  ): Partial<MongodbObservation> => ({
    ...firstMember('unknown'),
    members: [
      member(0, 'unknown', {
        pod: pod(0, {
          containerStatuses: [
            container({
              name,
              image: 'registry.example/mongo:9',
              state: { waiting: { reason } },
              lastState: { terminated },
              restartCount: 3,
            }),
          ],
        }),
      }),
    ],
  });
  const fast = { stack: aStack({ mongodb: { storage: { className: 'fast' } } }) };

  test.each<[law: string, change: Change, reason: string, names: string[]]>([
    [
      'a StorageClass that does not exist',
      {
        ...firstMember('unknown'),
        ...fast,
        storageClass: 'missing',
        members: [member(0, 'unknown', { claim: unbound })],
      },
      'StorageClassNotFound',
      ['fast', 'data-shop-mongodb-0', 'spec.mongodb.storage.className'],
    ],
    [
      'no default StorageClass',
      { ...firstMember('unknown'), storageClass: 'noDefault', members: [member(0, 'unknown', { claim: unbound })] },
      'StorageClassNotFound',
      ['data-shop-mongodb-0', 'spec.mongodb.storage.className'],
    ],
    [
      'a volume that does not come',
      { ...firstMember('unknown'), storageClass: 'present', members: [member(0, 'unknown', { claim: unbound })] },
      'VolumePending',
      ['data-shop-mongodb-0', '60s', 'kubectl -n auth describe pvc data-shop-mongodb-0'],
    ],
    [
      'an image that cannot be pulled',
      waiting('mongod', 'ImagePullBackOff'),
      'ImageNotPullable',
      ['registry.example/mongo:9', 'shop-mongodb-0', 'spec.mongodb.image'],
    ],
    [
      "the agent's image",
      waiting('agent', 'ErrImagePull'),
      'ImageNotPullable',
      ['registry.example/mongo:9', 'shop-mongodb-0', 'image.agent'],
    ],
    [
      'a container that ends again and again',
      waiting('mongod', 'CrashLoopBackOff'),
      'ContainerCrashes',
      ['mongod', 'exit code 62', 'kubectl -n auth logs shop-mongodb-0 -c mongod --previous'],
    ],
    [
      'an image with another mongod',
      waiting('mongod', 'CrashLoopBackOff', {
        exitCode: 69,
        message: '"mongod --version" answers "db version v5.0.31"',
      }),
      'ImageUnfit',
      ['answers "db version v5.0.31"', 'registry.example/mongo:9', 'mongodb.images'],
    ],
    [
      'an image without even a shell',
      waiting('mongod', 'CrashLoopBackOff', { exitCode: 128, reason: 'StartError', message: 'no /bin/sh' }),
      'ImageUnfit',
      ['no /bin/sh', 'registry.example/mongo:9', 'data was not touched'],
    ],
    [
      'a pod without a node',
      {
        ...firstMember('unknown'),
        members: [
          member(0, 'unknown', {
            pod: pod(0, { conditions: [{ type: 'PodScheduled', status: 'False', message: 'Insufficient memory' }] }),
          }),
        ],
      },
      'PodUnschedulable',
      ['shop-mongodb-0', 'Insufficient memory'],
    ],
    [
      'a volume that cannot be judged',
      firstMember({ ...held, volume: { state: 'unreadable', problem: 'no WiredTiger file' } }),
      'VolumeUnreadable',
      ['shop-mongodb-0', 'no WiredTiger file', 'authstack.dev/resync-member=0'],
    ],
    [
      'a keyfile that mongod does not know',
      firstMember({
        ...released('claim-0'),
        replicaSet: { state: 'unknown' },
        mongod: { state: 'answers', problem: 'mongod refuses __system' },
      }),
      'KeyfileRefused',
      ['shop-mongodb-0', 'shop-mongodb-keyfile', 'mongod refuses __system'],
    ],
    [
      'an agent that cannot be reached',
      {
        ...firstMember('unknown'),
        members: [
          member(0, 'unknown', {
            pod: pod(0, {
              initContainerStatuses: [
                container({
                  name: 'agent',
                  started: true,
                  state: { running: { startedAt: new Date(NOW - 60_000).toISOString() } },
                }),
              ],
            }),
          }),
        ],
      },
      'MembersUnreachable',
      ['shop-mongodb-0', '9443'],
    ],
  ])('%s is named', (...[, change, reason, names]) => {
    const { ready, message } = now(change);
    expect(ready).toBe(`False/${reason}`);
    for (const name of names) expect(message).toContain(name);
  });

  test('after five minutes it counts as stalled, and says where to look', () => {
    const since = (minutes: number): Change => {
      const lastTransitionTime = new Date(NOW - minutes * 60_000).toISOString();
      const condition = { type: 'DatabaseReady', status: 'False' as const, reason: 'x', message: 'x' };
      return { ...waiting('mongod', 'ImagePullBackOff'), stack: stackWith({ ...condition, lastTransitionTime }) };
    };
    expect(planMongodb(seen(since(4))).stalled).toBeUndefined();
    expect(planMongodb(seen(since(5))).stalled).toMatchObject({
      reason: 'ImageNotPullable',
      message: expect.stringContaining('kubectl -n auth get pods,pvc'),
    });
  });

  test('no report at all is Unknown, not False', () => {
    const reachable = waiting('agent', 'none').members ?? [];
    const statuses = [
      container({ name: 'agent', started: true, state: { running: { startedAt: '2029-12-31T00:00:00Z' } } }),
    ];
    const members = reachable.map((one) => ({ ...one, pod: pod(one.ordinal, { initContainerStatuses: statuses }) }));
    expect(summary(planMongodb(seen({ members }))).ready).toBe('Unknown/MembersUnreachable');
  });
});

function stackWith(condition: {
  type: string;
  status: 'False';
  reason: string;
  message: string;
  lastTransitionTime: string;
}): MongodbObservation['stack'] {
  return { ...aStack(), status: { conditions: [condition] } };
}
