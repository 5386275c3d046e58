import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { agentContract } from '../api.ts';
import { initiateSet, pvcUid, startOnEmptyVolume } from '../testing/replica-set.ts';
import { answers, restarts, waits } from '../testing/gate.ts';
import { eventually, startPod } from '../testing/pod.ts';
import type { Pod } from '../testing/pod.ts';

const { paths } = agentContract;
const done = { status: 204, body: undefined };
const refused = (code: string): object => ({ status: 409, body: { code } });

async function isHeldFor(pod: Pod, why: string): Promise<void> {
  await eventually(() => Promise.resolve(pod.log.join('')), { holds: (log) => log.includes(`mongod is held: ${why}`) });
}

describe('a fence', () => {
  test('leaves a running mongod alone, holds its next start whoever asks, and once removed lets it start without the operator', async () => {
    await using pod = await startPod();
    await startOnEmptyVolume(pod);

    await expect(pod.call(paths.fence, { pvcUid, fenced: true })).resolves.toEqual(done);
    await expect(pod.call(paths.fence, { pvcUid, fenced: true })).resolves.toEqual(done);
    await expect(pod.observe()).resolves.toMatchObject({ volume: { fenced: true }, mongod: { state: 'answers' } });

    await restarts(pod);
    await waits(pod);
    await isHeldFor(pod, 'the volume is fenced');
    await expect(pod.call(paths.release, { pvcUid })).resolves.toMatchObject(refused('VOLUME_FENCED'));
    await expect(pod.observe()).resolves.toMatchObject({
      ...{ gate: 'waiting', mongod: { state: 'down' } },
      volume: { state: 'data', pvcUid, fenced: true },
    });

    await expect(pod.call(paths.fence, { pvcUid, fenced: false })).resolves.toEqual(done);
    await answers(pod);
    const { volume } = await pod.observe();
    expect(volume).toMatchObject({ state: 'data', pvcUid });
    expect(volume).not.toHaveProperty('fenced');
  });

  test('holds on a volume that was never released, and only for its own claim', async () => {
    await using pod = await startPod();
    await expect(pod.call(paths.fence, { pvcUid, fenced: false })).resolves.toEqual(done);
    expect((await pod.observe()).volume).not.toHaveProperty('pvcUid');

    await expect(pod.call(paths.fence, { pvcUid, fenced: true })).resolves.toEqual(done);

    await expect(pod.observe()).resolves.toMatchObject({ volume: { state: 'empty', pvcUid, fenced: true } });
    for (const fenced of [true, false]) {
      const foreign = pod.call(paths.fence, { pvcUid: 'pvc-1', fenced });
      await expect(foreign).resolves.toMatchObject(refused('VOLUME_MISMATCH'));
    }
    await expect(pod.observe()).resolves.toMatchObject({ volume: { pvcUid, fenced: true } });
  });

  test('that the disk refuses is not confirmed', async () => {
    await using pod = await startPod();
    await mkdir(join(pod.dataDir, 'authstack.json.new'));

    await expect(pod.call(paths.fence, { pvcUid, fenced: true })).resolves.toMatchObject({
      status: 409,
      body: { code: 'VOLUME_UNREADABLE', detail: expect.stringContaining('EISDIR') },
    });
  });
});

describe('a wipe', () => {
  test('makes a fenced member’s volume like one that was never used, and changes nothing when repeated', async () => {
    await using pod = await startPod();
    await initiateSet(pod);
    await pod.call(paths.fence, { pvcUid, fenced: true });
    await restarts(pod);
    await waits(pod);

    await expect(pod.call(paths.wipe, { pvcUid })).resolves.toEqual(done);
    await expect(pod.call(paths.wipe, { pvcUid })).resolves.toEqual(done);

    await isHeldFor(pod, 'the volume is empty');
    const { volume, gate } = await pod.observe();
    expect({ volume, gate }).toMatchObject({ gate: 'waiting', volume: { state: 'empty', pvcUid } });
    expect(volume).not.toHaveProperty('fenced');
    expect(volume).not.toHaveProperty('replicaSetId');
    await expect(readdir(pod.dataDir)).resolves.toEqual(['authstack.json']);
    await pod.call(paths.release, { pvcUid });
    await answers(pod);
    await expect(pod.observe()).resolves.toMatchObject({ replicaSet: { state: 'notInitialized' } });
  });

  test('is refused while mongod runs, before it has reached its gate, without a fence, and for another claim', async () => {
    await using pod = await startPod();
    await expect(pod.call(paths.wipe, { pvcUid })).resolves.toMatchObject(refused('VOLUME_MISMATCH'));
    await startOnEmptyVolume(pod);
    await expect(pod.call(paths.wipe, { pvcUid })).resolves.toMatchObject(refused('VOLUME_IN_USE'));

    await pod.call(paths.fence, { pvcUid, fenced: true });
    await expect(pod.call(paths.wipe, { pvcUid })).resolves.toMatchObject(refused('VOLUME_IN_USE'));
    await pod.endContainer('SIGKILL');
    await expect(pod.call(paths.wipe, { pvcUid })).resolves.toMatchObject(refused('VOLUME_IN_USE'));
    pod.startContainer();
    await waits(pod);
    await expect(pod.call(paths.wipe, { pvcUid: 'pvc-1' })).resolves.toMatchObject(refused('VOLUME_MISMATCH'));

    await expect(pod.observe()).resolves.toMatchObject({ volume: { state: 'data', fenced: true } });
    await pod.call(paths.fence, { pvcUid, fenced: false });
    await answers(pod);
  });

  test('repairs a volume whose database and marker are damaged', async () => {
    await using pod = await startPod();
    await startOnEmptyVolume(pod);
    await pod.endContainer('SIGKILL');
    await rm(join(pod.dataDir, 'db', 'WiredTiger'));
    await writeFile(join(pod.dataDir, 'authstack.json'), '{"pvcUid":');
    pod.startContainer();
    await waits(pod);
    await expect(pod.observe()).resolves.toMatchObject({ volume: { state: 'unreadable' }, gate: 'waiting' });
    await expect(pod.call(paths.fence, { pvcUid, fenced: false })).resolves.toMatchObject(refused('VOLUME_UNREADABLE'));

    await expect(pod.call(paths.fence, { pvcUid, fenced: true })).resolves.toEqual(done);
    await expect(pod.observe()).resolves.toMatchObject({ volume: { state: 'unreadable', pvcUid, fenced: true } });
    await expect(pod.call(paths.wipe, { pvcUid })).resolves.toEqual(done);

    await expect(pod.observe()).resolves.toMatchObject({ volume: { state: 'empty', pvcUid }, gate: 'waiting' });
    await pod.call(paths.release, { pvcUid });
    await answers(pod);
  });
});
