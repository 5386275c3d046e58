import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { agentContract, keyfileReply } from '../api.ts';
import { startOnEmptyVolume } from '../testing/replica-set.ts';
import { keyFileContent, startPod } from '../testing/pod.ts';

const { paths } = agentContract;

test('the keyfile answered is the one the running mongod has read, else the mounted one, and it is never logged', async () => {
  await using pod = await startPod();
  const mounted = join(pod.dataDir, '../keyfile');
  await expect(pod.call(paths.keyfile, {})).resolves.toEqual({ status: 200, body: { keyfile: keyFileContent } });

  await startOnEmptyVolume(pod);
  await writeFile(mounted, 'c29tZXRoaW5nIGVsc2U=');
  const { body } = await pod.call(paths.keyfile, {});
  expect(keyfileReply.parse(body)).toEqual({ keyfile: keyFileContent });

  await rm(mounted);
  await expect(pod.call(paths.keyfile, {})).resolves.toMatchObject({ status: 200 });
  await writeFile(join(pod.gateDir, 'keyfile'), '\n');
  await expect(pod.call(paths.keyfile, {})).resolves.toMatchObject({ status: 409, body: { code: 'KEYFILE_GONE' } });
  expect(pod.log.join('')).toContain(paths.keyfile);
  expect(pod.log.join('')).not.toMatch(/dGhlIHJvb3Q|b2YgYSByZXBs|c29tZXRoaW5n/);
});
