import { expect, test } from '@jest/globals';
import { agentContract } from '../api.ts';
import { direct } from '../testing/direct.ts';
import { becomes, initiateSet, reconfigure, settings, startOnEmptyVolume } from '../testing/replica-set.ts';
import { eventually, startPod } from '../testing/pod.ts';
import type { Pod } from '../testing/pod.ts';
import { compatibilityCommand } from './compatibility.ts';
import type { Mongod } from './connection.ts';

const { paths } = agentContract;

test.each([
  ['6.0.27', undefined],
  ['7.0.0', true],
  ['10.0.1', true],
])('a server of %s gets confirm only if it demands it', (server, confirm) => {
  expect(compatibilityCommand(server, '6.0')['confirm']).toBe(confirm);
});

test('the feature compatibility version is lowered and raised, by the primary only, and is written once', async () => {
  await using primary = await startPod(0);
  await using secondary = await startPod(1);
  await initiateSet(primary);
  await startOnEmptyVolume(secondary);
  const members = (votes: 0 | 1): Parameters<typeof reconfigure>[1] => [
    { pod: primary, _id: 0, votes: 1 },
    { pod: secondary, _id: 1, votes },
  ];
  await reconfigure(primary, members(0));
  await becomes(secondary, 'SECONDARY');
  await reconfigure(primary, members(1));
  await using mongod = direct(primary);
  const newest = await compatibilityOf(primary);
  const older = await olderThan(mongod, newest);

  await expect(primary.call(paths.compatibility, { version: older })).resolves.toEqual({
    status: 204,
    body: undefined,
  });
  for (const pod of [primary, secondary]) {
    await eventually(() => compatibilityOf(pod), { holds: (version) => version === older });
  }
  await expect(secondary.call(paths.compatibility, { version: newest })).resolves.toMatchObject({
    status: 409,
    body: { code: 'NOT_PRIMARY' },
  });

  const written = await lastWrite(mongod);
  await expect(primary.call(paths.compatibility, { version: older })).resolves.toMatchObject({ status: 204 });
  await expect(lastWrite(mongod)).resolves.toEqual(written);
  await expect(primary.call(paths.compatibility, { version: newest })).resolves.toMatchObject({ status: 204 });
  await expect(compatibilityOf(primary)).resolves.toBe(newest);
}, 60_000);

test('a version that mongod does not know is refused with mongod’s own message', async () => {
  await using pod = await startPod();
  await startOnEmptyVolume(pod);
  await expect(pod.call(paths.compatibility, { version: '6.0' })).resolves.toMatchObject({
    body: { code: 'NOT_PRIMARY' },
  });
  await pod.call(paths.initiate, { pvcUid: 'pvc-0', host: pod.host, settings });
  await becomes(pod, 'PRIMARY');

  await expect(pod.call(paths.compatibility, { version: '1.0' })).resolves.toMatchObject({
    status: 409,
    body: { code: 'COMPATIBILITY_REFUSED', detail: expect.stringContaining('Invalid feature compatibility version') },
  });
});

async function compatibilityOf(pod: Pod): Promise<string | undefined> {
  const { mongod } = await pod.observe();
  return mongod.featureCompatibilityVersion;
}

/** The last version before the server's own that it can serve. */
async function olderThan(mongod: Mongod, newest: string | undefined): Promise<string> {
  const { version } = await mongod.command({ buildInfo: 1 });
  const [major = ''] = String(version).split('.');
  const older = `${Number(major) - 1}.0`;
  expect(newest).toBe(`${major}.0`);
  return older;
}

/** Except for mongod's periodic no-ops. */
async function lastWrite(mongod: Mongod): Promise<unknown> {
  const find = { find: 'oplog.rs', filter: { op: { $ne: 'n' } }, sort: { $natural: -1 }, limit: 1 };
  const { cursor } = await mongod.command(find, { db: 'local' });
  return cursor;
}
