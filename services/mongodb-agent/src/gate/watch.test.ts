import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import type { Clock } from '../clock.ts';
import { openVolume } from '../volume/volume.ts';
import type { VolumeDisk } from '../volume/volume.ts';
import { fence } from './fence.ts';
import { openGate } from './gate.ts';
import { watchGate, release } from './watch.ts';
import type { GateDeps } from './watch.ts';
import { wipe } from './wipe.ts';

const pvcUid = 'pvc-0';
const wait = '01234567-89ab-cdef-0123-456789abcdef';
const log = pino({ enabled: false });
const busyClock: Clock = { now: () => 0, sleep: () => sleep(1) };

/** A start of mongod waits at the gate of a volume with data. */
async function heldMember(): Promise<GateDeps & { home: string; permits: () => Promise<string[]> } & AsyncDisposable> {
  const home = await mkdtemp(join(tmpdir(), 'authstack-gate-'));
  await mkdir(join(home, 'db'));
  await writeFile(join(home, 'db', 'WiredTiger'), '');
  await mkdir(join(home, 'gate'));
  await writeFile(join(home, 'gate', 'waiting'), wait);
  const permits = async (): Promise<string[]> => {
    const files = await readdir(join(home, 'gate'));
    return files.filter((name) => name === 'release');
  };
  return {
    ...{ home, permits, log, clock: busyClock, gate: openGate(join(home, 'gate')), volume: openVolume(home) },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true }),
  };
}

/** The agent watches the gate until the test ends. */
function watches(member: GateDeps): AsyncDisposable {
  const ending = new AbortController();
  const watched = watchGate(member, ending.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await watched;
    },
  };
}

test('during a wipe no start is permitted, neither by the agent nor for the operator', async () => {
  await using member = await heldMember();
  await fence(member, { pvcUid, fenced: true });
  const seen: string[][] = [];
  const slow: VolumeDisk = {
    ...member.volume,
    wipe: async (uid) => {
      await sleep(50);
      await member.volume.wipe(uid);
      seen.push(await member.permits());
      await sleep(50);
      seen.push(await member.permits());
    },
  };
  await using _watched = watches(member);

  const wiped = wipe({ ...member, volume: slow }, { pvcUid });
  const unfenced = fence(member, { pvcUid, fenced: false });
  const released = release(member, { pvcUid });

  await expect(Promise.all([wiped, unfenced, released])).resolves.toBeDefined();
  expect(seen).toEqual([[], []]);
  await expect(member.volume.read()).resolves.toMatchObject({ state: 'empty' });
  await expect(readFile(join(member.home, 'gate', 'release'), 'utf8')).resolves.toBe(`${wait}\n`);
});

test('a start that is being permitted keeps its files', async () => {
  await using member = await heldMember();
  await member.volume.claim(pvcUid);
  const { promise: looked, resolve: looks } = Promise.withResolvers<undefined>();
  const slow: VolumeDisk = {
    ...member.volume,
    read: async () => {
      const volume = await member.volume.read();
      looks(undefined);
      await sleep(50);
      return volume;
    },
  };
  await using _watched = watches({ ...member, volume: slow });
  await looked;

  await fence(member, { pvcUid, fenced: true });
  await expect(wipe(member, { pvcUid })).rejects.toMatchObject({ code: 'VOLUME_IN_USE' });
  await expect(member.volume.read()).resolves.toMatchObject({ state: 'data', fenced: true });
});
