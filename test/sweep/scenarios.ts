import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
import type { Stage } from './stage.ts';
import { RETIREMENT, ROTATION } from './subject.ts';
import type { Subject } from './subject.ts';

/** What people do to a stack, and wait for. It must come to the same end whatever befalls the operator meanwhile. */
export interface Scenario {
  readonly name: string;
  /** Makes what is there before, while all is well; absent: nothing is. */
  readonly prepare?: (subject: Subject) => Promise<void>;
  readonly act: (subject: Subject, stage: Stage) => Promise<void>;
  /** It ends where it began, so that one stack will do for many runs. */
  readonly repeats: boolean;
}

const WITHIN = { within: 90_000, every: 50 };

export const scenarios: readonly Scenario[] = [
  {
    name: 'create',
    act: async (subject) => {
      await subject.createStack(1);
      await subject.createConsumer();
      await becomesWell(subject);
    },
    repeats: false,
  },
  {
    name: 'grow',
    prepare: create,
    act: async (subject) => {
      await subject.setMembers(3);
      await eventually(async () => demand(await membersServing(subject), 3), WITHIN);
      await becomesWell(subject);
    },
    repeats: false,
  },
  {
    name: 'shrink',
    prepare: createWhole,
    act: async (subject) => {
      await subject.setMembers(1);
      await eventually(async () => demand((await subject.pods()).length, 1), WITHIN);
      await becomesWell(subject);
    },
    repeats: false,
  },
  {
    name: 'resync',
    prepare: createWhole,
    act: async (subject) => {
      await subject.annotate('authstack.dev/resync-member', '1');
      await eventually(async () => demand((await subject.identity())['rebuilt'], 'data 1'), WITHIN);
      await becomesWell(subject);
    },
    repeats: false,
  },
  {
    name: 'restart',
    prepare: createWhole,
    act: async (subject) => {
      const [before] = await subject.templates();
      await subject.limitMemory('900Mi');
      await eventually(async () => {
        const templates = await subject.templates();
        demand(templates.length, 1);
        demand(templates[0] === before, false);
      }, WITHIN);
      await becomesWell(subject);
    },
    repeats: false,
  },
  {
    name: 'widen',
    prepare: createWhole,
    act: async (subject) => {
      const before = await subject.pods();
      await subject.resizeVolumes('2Gi');
      await eventually(async () => {
        demand(
          (await subject.volumes()).every((size) => size === '2Gi'),
          true,
        );
      }, WITHIN);
      await becomesWell(subject);
      // The StatefulSet was made anew, and no mongod noticed.
      demand(JSON.stringify(await subject.pods()), JSON.stringify(before));
    },
    repeats: false,
  },
  {
    name: 'rotate',
    prepare: create,
    act: async (subject, { clock }) => {
      const before = await keysOf(subject);
      clock.jump(ROTATION);
      await eventually(async () => demand((await keysOf(subject)).activeKid !== before.activeKid, true), WITHIN);
      // Only once the successor of the successor is there, too: a retired key ends in its own time.
      await eventually(async () => demand((await keysOf(subject)).count, 3), WITHIN);
      clock.jump(RETIREMENT);
      await eventually(async () => demand((await keysOf(subject)).count, 2), WITHIN);
      await becomesWell(subject);
    },
    repeats: true,
  },
  {
    name: 'consent',
    prepare: create,
    act: async (subject) => {
      await subject.trust(false);
      await eventually(async () => demand(await subject.copy(), undefined), WITHIN);
      await subject.trust(true);
      await becomesWell(subject);
    },
    repeats: true,
  },
  {
    name: 'recreate',
    prepare: create,
    act: async (subject) => {
      await subject.deleteStack();
      await eventually(async () => demand(await subject.stack(), undefined), WITHIN);
      await subject.createStack(1);
      await becomesWell(subject);
    },
    repeats: true,
  },
];

export async function create(subject: Subject): Promise<void> {
  await subject.createStack(1);
  await subject.createConsumer();
  await becomesWell(subject);
}

async function createWhole(subject: Subject): Promise<void> {
  await subject.createStack(3);
  await subject.createConsumer();
  await becomesWell(subject);
}

function becomesWell(subject: Subject): Promise<void> {
  return eventually(() => subject.isWell(), WITHIN);
}

async function keysOf(subject: Subject): Promise<{ readonly activeKid: string; readonly count: number }> {
  const { activeKid = '', keys = [] } = (await subject.stack())?.status?.signingKeys ?? {};
  return { activeKid, count: keys.length };
}

async function membersServing(subject: Subject): Promise<number> {
  const members = (await subject.stack())?.status?.mongodb?.members ?? [];
  return members.filter(({ state }) => state === 'PRIMARY' || state === 'SECONDARY').length;
}

function demand(seen: unknown, wanted: unknown): void {
  if (seen !== wanted) throw new Error(`it is ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`);
}

/** Until the operator writes nothing for longer than its rechecks take. */
export async function becomesQuiet({ gateway }: Stage): Promise<void> {
  for (let seen = -1; seen !== gateway.writes.length;) {
    seen = gateway.writes.length;
    await pause(1_500);
  }
}
