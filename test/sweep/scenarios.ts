import { setTimeout as pause } from 'node:timers/promises';
import type { AuthStackStatus } from '../../operator/src/api/auth-stack.ts';
import { REVOKE_KEY_ANNOTATION } from '../../operator/src/signing-keys/revocation.ts';
import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
import type { TestBed } from './test-bed.ts';
import { ACKNOWLEDGED, CLOCK_SKEW, LEAD, RETIREMENT, ROTATION, VOLUME_REFRESH } from './subject.ts';
import type { Subject } from './subject.ts';

type RevokedKeyStatus = NonNullable<NonNullable<AuthStackStatus['signingKeys']>['revoked']>[number];

/** What people do to a stack, and wait for. It must reach the same state whatever happens to the operator meanwhile. */
export interface Scenario {
  readonly name: string;
  /** Makes what exists before, undisturbed; absent: nothing does. */
  readonly prepare?: (subject: Subject) => Promise<void>;
  readonly act: (subject: Subject, bed: TestBed) => Promise<void>;
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
      await becomesHealthy(subject);
    },
    repeats: false,
  },
  {
    name: 'grow',
    prepare: create,
    act: async (subject) => {
      await subject.setMembers(3);
      await eventually(async () => expectSame(await membersServing(subject), 3), WITHIN);
      await becomesHealthy(subject);
    },
    repeats: false,
  },
  {
    name: 'shrink',
    prepare: createThreeMembers,
    act: async (subject) => {
      await subject.setMembers(1);
      await eventually(async () => expectSame((await subject.pods()).length, 1), WITHIN);
      await becomesHealthy(subject);
    },
    repeats: false,
  },
  {
    name: 'resync',
    prepare: createThreeMembers,
    act: async (subject) => {
      await subject.annotate('authstack.dev/resync-member', '1');
      await eventually(async () => expectSame((await subject.identity())['rebuilt'], 'data 1'), WITHIN);
      await becomesHealthy(subject);
    },
    repeats: false,
  },
  {
    name: 'restart',
    prepare: createThreeMembers,
    act: async (subject) => {
      const [before] = await subject.templates();
      await subject.limitMemory('900Mi');
      await eventually(async () => {
        const templates = await subject.templates();
        expectSame(templates.length, 1);
        expectSame(templates[0] === before, false);
      }, WITHIN);
      await becomesHealthy(subject);
    },
    repeats: false,
  },
  {
    name: 'widen',
    prepare: createThreeMembers,
    act: async (subject) => {
      const before = await subject.pods();
      await subject.resizeVolumes('2Gi');
      await eventually(async () => {
        expectSame(
          (await subject.volumes()).every((size) => size === '2Gi'),
          true,
        );
      }, WITHIN);
      await becomesHealthy(subject);
      // The StatefulSet was recreated, and no pod restarted.
      expectSame(JSON.stringify(await subject.pods()), JSON.stringify(before));
    },
    repeats: false,
  },
  {
    name: 'rotate',
    prepare: create,
    act: async (subject, { clock }) => {
      const before = await keysOf(subject);
      // That nobody lacks the next key is noted so long before.
      clock.jump(ROTATION - ACKNOWLEDGED);
      await eventually(async () => expectSame(await subject.isNextKeyAcknowledged(), true), WITHIN);
      clock.jump(ACKNOWLEDGED);
      await eventually(async () => expectSame((await keysOf(subject)).activeKid !== before.activeKid, true), WITHIN);
      // Only once there is a new next key, too: a retired key ends on its own schedule.
      await eventually(async () => expectSame((await keysOf(subject)).count, 3), WITHIN);
      // A key is kept from when no auth pod signs with it any more, and they have until then to leave it. An auth pod that does
      // not answer counts as one that may sign with it, so the time may begin anew.
      clock.jump(VOLUME_REFRESH);
      let waitedFrom: number | undefined;
      await eventually(async () => {
        const unusedSince = await subject.retiredKeyUnusedSince();
        if (unusedSince !== undefined && unusedSince !== waitedFrom) clock.jump(RETIREMENT);
        waitedFrom = unusedSince ?? waitedFrom;
        expectSame((await keysOf(subject)).count, 2);
      }, WITHIN);
      await becomesHealthy(subject);
    },
    repeats: true,
  },
  {
    name: 'revoke',
    prepare: create,
    act: async (subject, { clock }) => {
      const { activeKid } = await keysOf(subject);
      await subject.annotate(REVOKE_KEY_ANNOTATION, activeKid);
      await eventually(async () => {
        expectSame((await keysOf(subject)).count, 2);
        expectSame((await subject.kidsEverywhere()).includes(activeKid), false);
        // Of what is over before an operator has seen it nobody says when it was: one that crashed has to be back.
        expectSame((await revokedOf(subject))?.consumers !== undefined, true);
        expectSame((await subject.revokedState()) !== undefined, true);
      }, WITHIN);
      // Until then mounts and cached key sets may still hold it, and a condition says so.
      clock.jump(LEAD);
      await eventually(async () => {
        expectSame((await revokedOf(subject))?.reachedTime !== undefined, true);
        expectSame(await subject.revokedState(), 'Dropped');
      }, WITHIN);
      await becomesHealthy(subject);
    },
    repeats: false,
  },
  {
    name: 'credentials',
    prepare: create,
    act: async (subject, { clock }) => {
      const before = await subject.clientSecret();
      await subject.deleteClientKey();
      await eventually(async () => {
        const now = await subject.clientSecret();
        expectSame(now !== undefined && now !== before, true);
      }, WITHIN);
      // The former ones end once no pod has them mounted any more; the one in use and the next stay.
      await eventually(async () => expectSame(await subject.lastingSecrets(), 2), WITHIN);
      clock.jump(VOLUME_REFRESH + CLOCK_SKEW);
      await eventually(async () => expectSame(await subject.acceptedSecrets(), 2), WITHIN);
      await becomesHealthy(subject);
    },
    repeats: false,
  },
  {
    name: 'consent',
    prepare: create,
    act: async (subject) => {
      await subject.trust(false);
      await eventually(async () => expectSame(await subject.copy(), undefined), WITHIN);
      await subject.trust(true);
      await becomesHealthy(subject);
    },
    repeats: true,
  },
  {
    name: 'recreate',
    prepare: create,
    act: async (subject) => {
      await subject.deleteStack();
      await eventually(async () => expectSame(await subject.stack(), undefined), WITHIN);
      await subject.createStack(1);
      await becomesHealthy(subject);
    },
    repeats: true,
  },
];

export async function create(subject: Subject): Promise<void> {
  await subject.createStack(1);
  await subject.createConsumer();
  await becomesHealthy(subject);
}

async function createThreeMembers(subject: Subject): Promise<void> {
  await subject.createStack(3);
  await subject.createConsumer();
  await becomesHealthy(subject);
}

function becomesHealthy(subject: Subject): Promise<void> {
  return eventually(() => subject.isHealthy(), WITHIN);
}

async function keysOf(subject: Subject): Promise<{ readonly activeKid: string; readonly count: number }> {
  const { activeKid = '', keys = [] } = (await subject.stack())?.status?.signingKeys ?? {};
  return { activeKid, count: keys.length };
}

async function revokedOf(subject: Subject): Promise<RevokedKeyStatus | undefined> {
  return (await subject.stack())?.status?.signingKeys?.revoked?.[0];
}

async function membersServing(subject: Subject): Promise<number> {
  const members = (await subject.stack())?.status?.mongodb?.members ?? [];
  return members.filter(({ state }) => state === 'PRIMARY' || state === 'SECONDARY').length;
}

function expectSame(seen: unknown, wanted: unknown): void {
  if (seen !== wanted) throw new Error(`it is ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`);
}

/** Until the operator writes nothing for longer than its rechecks take. */
export async function becomesQuiet({ gateway }: TestBed): Promise<void> {
  for (let seen = -1; seen !== gateway.writes.length;) {
    seen = gateway.writes.length;
    await pause(1_500);
  }
}
