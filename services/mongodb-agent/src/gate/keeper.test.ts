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
import { keepGate, release } from './keeper.ts';
import type { GateDeps } from './keeper.ts';
import { wipe } from './wipe.ts';

const pvcUid = 'pvc-0';
const wait = '01234567-89ab-cdef-0123-456789abcdef';
const log = pino({ enabled: false });
const restless: Clock = { now: () => 0, sleep: () => sleep(1) };

/** A start of mongod waits at the gate of a volume with data. */
async function heldMember(): Promise<GateDeps & { home: string; words: () => Promise<string[]> } & AsyncDisposable> {
  const home = await mkdtemp(join(tmpdir(), 'authstack-gate-'));
  await mkdir(join(home, 'db'));
  await writeFile(join(home, 'db', 'WiredTiger'), '');
  await mkdir(join(home, 'gate'));
  await writeFile(join(home, 'gate', 'waiting'), wait);
  const words = async (): Promise<string[]> => {
    const files = await readdir(join(home, 'gate'));
    return files.filter((name) => name === 'release');
  };
  return {
    ...{ home, words, log, clock: restless, gate: openGate(join(home, 'gate')), volume: openVolume(home) },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true }),
  };
}

/** The agent goes on looking after the gate until the test ends. */
function keeps(member: GateDeps): AsyncDisposable {
  const ending = new AbortController();
  const kept = keepGate(member, ending.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await kept;
    },
  };
}

test('while a wipe is under way no start is let go, neither by the agent nor for the operator', async () => {
  await using member = await heldMember();
  await fence(member, { pvcUid, fenced: true });
  const seen: string[][] = [];
  const slow: VolumeDisk = {
    ...member.volume,
    wipe: async (uid) => {
      await sleep(50);
      await member.volume.wipe(uid);
      seen.push(await member.words());
      await sleep(50);
      seen.push(await member.words());
    },
  };
  await using _kept = keeps(member);

  const wiped = wipe({ ...member, volume: slow }, { pvcUid });
  const unfenced = fence(member, { pvcUid, fenced: false });
  const released = release(member, { pvcUid });

  await expect(Promise.all([wiped, unfenced, released])).resolves.toBeDefined();
  expect(seen).toEqual([[], []]);
  await expect(member.volume.read()).resolves.toMatchObject({ state: 'empty' });
  await expect(readFile(join(member.home, 'gate', 'release'), 'utf8')).resolves.toBe(`${wait}\n`);
});

test('a start that is just being let go keeps its files', async () => {
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
  await using _kept = keeps({ ...member, volume: slow });
  await looked;

  await fence(member, { pvcUid, fenced: true });
  await expect(wipe(member, { pvcUid })).rejects.toMatchObject({ code: 'VOLUME_IN_USE' });
  await expect(member.volume.read()).resolves.toMatchObject({ state: 'data', fenced: true });
});
