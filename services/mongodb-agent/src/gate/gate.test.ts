import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { agentContract } from '../api.ts';
import { wrongMongodExitCode } from '../gate-script.ts';
import { pvcUid } from '../testing/replica-set.ts';
import { answers, waits } from '../testing/gate.ts';
import { eventually, keyFileContent, startPod } from '../testing/pod.ts';

const { paths } = agentContract;

describe('with a real mongod behind the real gate', () => {
  test('an empty volume is held until the operator releases it, and has its marker before mongod writes a file', async () => {
    await using pod = await startPod();
    await expect(pod.observe()).resolves.toMatchObject({ gate: 'unknown', mongod: { state: 'down' } });
    await expect(pod.call(paths.release, { pvcUid })).resolves.toMatchObject({ body: { code: 'GATE_NOT_WAITING' } });

    pod.startContainer();
    await eventually(() => Promise.resolve(pod.log.join('')), {
      holds: (log) => log.includes('mongod is held: the volume is empty'),
    });
    await expect(pod.observe()).resolves.toMatchObject({
      podUid: 'pod-0',
      volume: { state: 'empty', capacityBytes: expect.any(Number), availableBytes: expect.any(Number) },
      gate: 'waiting',
      mongod: { state: 'down' },
      replicaSet: { state: 'unknown' },
    });

    await expect(pod.call(paths.release, { pvcUid })).resolves.toEqual({ status: 204, body: undefined });
    await answers(pod);
    await expect(pod.observe()).resolves.toMatchObject({
      volume: { state: 'data', pvcUid },
      gate: 'released',
      mongod: { version: expect.stringMatching(/^\d+\.\d+\./) },
      replicaSet: { state: 'notInitialized' },
    });
    const copy = await stat(join(pod.gateDir, 'keyfile'));
    expect(copy.mode & 0o777).toBe(0o600);
    await expect(readFile(join(pod.gateDir, 'keyfile'), 'utf8')).resolves.toBe(keyFileContent);
  });

  test('a mongod that was killed waits for a new start permit, and with data gets it without the operator', async () => {
    await using pod = await startPod();
    pod.startContainer();
    const first = await waits(pod);
    await pod.call(paths.release, { pvcUid });
    await answers(pod);

    await pod.endContainer('SIGKILL');
    await expect(pod.observe()).resolves.toMatchObject({ mongod: { state: 'down' }, volume: { state: 'data' } });
    pod.startContainer();
    await answers(pod);

    await expect(readFile(join(pod.gateDir, 'opened'), 'utf8')).resolves.not.toBe(first);
  });

  test('a permit left over from an earlier start permits nothing', async () => {
    await using pod = await startPod();
    pod.startContainer();
    const first = await waits(pod);
    await pod.endContainer('SIGKILL');
    await writeFile(join(pod.gateDir, 'release'), first);

    pod.startContainer();
    await eventually(() => readFile(join(pod.gateDir, 'waiting'), 'utf8'), { holds: (wait) => wait !== first });
    await eventually(() => Promise.resolve(pod.log.filter((line) => line.includes('is held')).length), {
      holds: (lines) => lines >= 1,
    });
    await expect(pod.observe()).resolves.toMatchObject({ gate: 'waiting', mongod: { state: 'down' } });
    await pod.call(paths.release, { pvcUid });
    await answers(pod);
  });

  test('a held container ends at once when its pod is deleted', async () => {
    await using pod = await startPod();
    pod.startContainer();
    await waits(pod);

    await expect(pod.endContainer('SIGTERM')).resolves.toBe(143);
  });

  test('a volume released for one claim is never released for another', async () => {
    await using pod = await startPod();
    pod.startContainer();
    await waits(pod);
    await pod.call(paths.release, { pvcUid });
    await answers(pod);
    await pod.endContainer('SIGKILL');
    await rm(join(pod.dataDir, 'db'), { recursive: true });
    pod.startContainer();
    await waits(pod);

    await expect(pod.call(paths.release, { pvcUid: 'pvc-other' })).resolves.toMatchObject({
      status: 409,
      body: { code: 'VOLUME_MISMATCH', detail: expect.stringContaining('was released for claim pvc-0') },
    });
    await expect(pod.observe()).resolves.toMatchObject({ volume: { state: 'empty', pvcUid }, gate: 'waiting' });
  });

  test('a mongod of another version than expected does not start, and the termination log has the reason', async () => {
    await using pod = await startPod(0, { version: '3.6' });
    pod.startContainer();
    await expect(pod.containerEnds()).resolves.toBe(wrongMongodExitCode);
    await expect(readFile(pod.terminationLog, 'utf8')).resolves.toMatch(
      /mongod --version" answers "db version v\d+\.\d+\.\d+", not version 3\.6$/,
    );
    await expect(pod.observe()).resolves.toMatchObject({ gate: 'unknown', volume: { state: 'empty' } });
  });

  test('mongod does not start on an unreadable volume', async () => {
    await using pod = await startPod();
    await mkdir(join(pod.dataDir, 'db'));
    await writeFile(join(pod.dataDir, 'db', 'collection-0.wt'), 'rest of a database');
    pod.startContainer();
    await waits(pod);

    await expect(pod.call(paths.release, { pvcUid })).resolves.toMatchObject({
      status: 409,
      body: { code: 'VOLUME_UNREADABLE' },
    });
    await expect(pod.observe()).resolves.toMatchObject({ volume: { state: 'unreadable' }, gate: 'waiting' });
  });
});
