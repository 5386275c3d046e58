import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openVolume } from './volume.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'authstack-volume-'));
});
afterEach(async () => {
  await rm(dataDir, { recursive: true });
});

async function fill(directory: string): Promise<void> {
  await mkdir(join(dataDir, directory, 'journal'), { recursive: true });
  await writeFile(join(dataDir, directory, 'WiredTiger'), '');
  await writeFile(join(dataDir, directory, 'journal', 'WiredTigerLog.1'), 'log');
}

test('a wipe interrupted at any of its steps leaves the fence, and completes when repeated', async () => {
  const volume = openVolume(dataDir);
  const cutOff: (() => Promise<unknown>)[] = [
    () => fill('db'),
    () => fill('db.wiped'),
    () => Promise.all([fill('db'), fill('db.wiped')]),
    () => Promise.resolve(),
  ];
  for (const leave of cutOff) {
    await leave();
    await volume.fence('pvc-0');
    await expect(openVolume(dataDir).read()).resolves.toMatchObject({ fenced: true });

    await volume.wipe('pvc-0');

    await expect(readdir(dataDir)).resolves.toEqual(['authstack.json']);
    await expect(readFile(join(dataDir, 'authstack.json'), 'utf8')).resolves.toBe('{"pvcUid":"pvc-0"}\n');
  }
});

test('a wipe for another claim removes nothing', async () => {
  const volume = openVolume(dataDir);
  await fill('db');
  await volume.fence('pvc-1');

  await expect(volume.wipe('pvc-0')).rejects.toMatchObject({ code: 'VOLUME_MISMATCH' });

  await expect(volume.read()).resolves.toMatchObject({ state: 'data', pvcUid: 'pvc-1', fenced: true });
});

test('the space of the file system is reported, and nothing where it cannot be read', async () => {
  const { capacityBytes = 0, availableBytes = Infinity } = await openVolume(dataDir).read();
  expect(capacityBytes).toBeGreaterThan(0);
  expect(availableBytes).toBeLessThanOrEqual(capacityBytes);

  await expect(openVolume(join(dataDir, 'gone')).read()).resolves.toEqual({
    state: 'unreadable',
    problem: expect.stringContaining('ENOENT'),
  });
});

test('putting up and removing a fence changes nothing else in the marker', async () => {
  const volume = openVolume(dataDir);
  await volume.claim('pvc-0');
  await volume.noteReplicaSet('6512');

  await volume.fence('pvc-0');
  await expect(volume.read()).resolves.toMatchObject({ pvcUid: 'pvc-0', replicaSetId: '6512', fenced: true });
  await volume.unfence('pvc-0');

  await expect(readFile(join(dataDir, 'authstack.json'), 'utf8')).resolves.toBe(
    '{"pvcUid":"pvc-0","replicaSetId":"6512"}\n',
  );
});

test('a marker with a field that this agent does not know makes the volume unreadable', async () => {
  await writeFile(join(dataDir, 'authstack.json'), '{"pvcUid":"pvc-0","sealed":true}');
  await fill('db');

  await expect(openVolume(dataDir).read()).resolves.toMatchObject({ state: 'unreadable' });
});
