import { startReplicaSet } from '../../../../test/support/mongod.ts';
import type { ReplicaSet } from '../../../../test/support/mongod.ts';
import { mountStack, ringKey, startReadyPod } from './world.ts';
import type { Pod, StackMounts } from './world.ts';

/** A database, what its pods mount, and some pods. */
export interface TestStack extends AsyncDisposable {
  readonly database: ReplicaSet;
  readonly mounts: StackMounts;
  readonly pods: readonly [Pod, ...Pod[]];
}

export interface StackOptions {
  readonly members?: number;
  readonly pods?: number;
  /** How much quicker than the machine's the timers of the pods are. */
  readonly pace?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startStack({
  members = 1,
  pods: count = 1,
  environment = {},
  pace = 1,
}: StackOptions = {}): Promise<TestStack> {
  const database = await startReplicaSet(members);
  const mounts = await mountStack(database.uri, [ringKey('k1', 'active'), ringKey('k2', 'next')]);
  const first = await startReadyPod(mounts, environment, { pace });
  const others = await Promise.all(
    Array.from({ length: count - 1 }, () => startReadyPod(mounts, environment, { pace })),
  );
  const pods: [Pod, ...Pod[]] = [first, ...others];
  return {
    database,
    mounts,
    pods,
    async [Symbol.asyncDispose]() {
      await Promise.all(pods.map((pod) => pod[Symbol.asyncDispose]()));
      await mounts[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
