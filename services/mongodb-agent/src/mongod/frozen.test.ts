import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { eventually, keyFileContent, startPod } from '../testing/pod.ts';
import { startOnEmptyVolume } from '../testing/replica-set.ts';
import { openMongod } from './connection.ts';

test('a frozen mongod is reported, and observed again once it resumes', async () => {
  await using pod = await startPod();
  await startOnEmptyVolume(pod);

  pod.freeze();
  // Its port still takes connections, so only a limit of the agent's own ends the wait.
  await expect(pod.observe()).resolves.toMatchObject({
    mongod: { state: 'starting', problem: expect.stringContaining('no answer within') },
    replicaSet: { state: 'unknown' },
  });

  pod.thaw();
  await eventually(pod.observe, { holds: ({ mongod }) => mongod.state === 'answers' });
}, 60_000);

test('a mongod that was frozen when it was asked for the first time answers once it resumes', async () => {
  await using pod = await startPod();
  await startOnEmptyVolume(pod);
  const keyFile = join(pod.dataDir, 'copy-of-the-keyfile');
  await writeFile(keyFile, keyFileContent);
  const mongod = openMongod({ port: Number(pod.host.split(':')[1]), keyFiles: [keyFile] });
  try {
    pod.freeze();
    await expect(mongod.command({ hello: 1 })).rejects.toThrow('does not answer');
    pod.thaw();
    const answers = (): Promise<boolean> =>
      mongod.command({ hello: 1 }).then(
        () => true,
        () => false,
      );
    await eventually(answers, { holds: (answered) => answered });
  } finally {
    await mongod.close();
  }
}, 60_000);
