import { startReplicaSet } from '../../../../test/support/mongod.ts';
import type { ReplicaSet } from '../../../../test/support/mongod.ts';
import type { Millis } from '@authstack/http-service/clock';
import type { SigningAlgorithm } from '../keys/key-ring.ts';
import { ageStored } from './stored.mongo.ts';
import { mountStack, ringKey, startReadyPod } from './world.ts';
import type { Pod, StackMounts } from './world.ts';

/** A database, what its pods mount, and some pods. */
export interface TestStack extends AsyncDisposable {
  readonly database: ReplicaSet;
  readonly mounts: StackMounts;
  readonly pods: readonly [Pod, ...Pod[]];
  /** So much later, for the pods as for what the database has stored. */
  timePasses(by: Millis): Promise<void>;
}

export interface StackOptions {
  readonly members?: number;
  readonly pods?: number;
  /** How much quicker than the machine's the timers of the pods are. */
  readonly pace?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Of its keys, `k1` and `k2`. */
  readonly algorithm?: SigningAlgorithm;
  /** Arguments of each mongod. */
  readonly mongodArgs?: readonly string[];
}

export async function startStack({
  members = 1,
  pods: count = 1,
  environment = {},
  mongodArgs = [],
  pace = 1,
  algorithm = 'ES256',
}: StackOptions = {}): Promise<TestStack> {
  const database = await startReplicaSet(members, { args: mongodArgs });
  const mounts = await mountStack(database.uri, [ringKey('k1', 'active', algorithm), ringKey('k2', 'next', algorithm)]);
  const first = await startReadyPod(mounts, environment, { pace });
  const others = await Promise.all(
    Array.from({ length: count - 1 }, () => startReadyPod(mounts, environment, { pace })),
  );
  const pods: [Pod, ...Pod[]] = [first, ...others];
  return {
    database,
    mounts,
    pods,
    async timePasses(by) {
      for (const pod of pods) pod.clock.advance(by);
      await ageStored(database.uri, by);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pods.map((pod) => pod[Symbol.asyncDispose]()));
      await mounts[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
