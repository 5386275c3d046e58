import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { agentContract } from '../api.ts';
import { systemClock } from '../clock.ts';
import { direct } from '../testing/direct.ts';
import { replicatesFrom, sourceOf, writing } from '../testing/sources.ts';
import { initiateSet, startOnEmptyVolume, startSetOfThree } from '../testing/replica-set.ts';
import { eventually, startPod } from '../testing/pod.ts';
import type { Pod } from '../testing/pod.ts';
import { openMember } from './connection.ts';
import type { Mongod } from './connection.ts';
import { leave } from './hand-over.ts';

const { paths } = agentContract;

test('before mongod of a primary is told to end another one is elected, and so on a planned step-down', async () => {
  await using one = await startPod(0);
  await using two = await startPod(1);
  await using three = await startPod(2);
  await startSetOfThree([one, two, three]);

  await eventually(() => leaves(one), { holds: (role) => role === 'SECONDARY', within: 60_000 });

  // No mongod has had a signal yet.
  const next = (await roleOf(two)) === 'PRIMARY' ? two : three;
  await expect(roleOf(next)).resolves.toBe('PRIMARY');

  await expect(next.call(paths.stepDown, {})).resolves.toMatchObject({ status: 204 });
  await eventually(() => roleOf(next), { holds: (role) => role === 'SECONDARY' });
}, 120_000);

test('when a primary steps down, whoever stays replicates already from the one that is elected next', async () => {
  await using one = await startPod(0);
  await using two = await startPod(1);
  await using three = await startPod(2);
  await startSetOfThree([one, two, three]);
  const keyFiles = [join(one.gateDir, 'keyfile')];
  await using mongod = direct(one);
  const sources: string[] = [];
  const watched: Mongod = {
    ...mongod,
    command: async (command, options) => {
      if ('replSetStepDown' in command) sources.push(await sourceOf(three));
      return mongod.command(command, options);
    },
  };

  const connect = (host: string): Mongod => openMember(host, keyFiles);
  const leaving = { mongod: watched, connect, clock: systemClock, log: pino({ enabled: false }) };
  // Where mongod takes seconds to answer it is left to it.
  await eventually(() => leave(leaving).then(...outcome), { holds: (left) => left === 'left', within: 60_000 });

  expect(sources.at(-1)).toBe(two.host);
  await expect(roleOf(two)).resolves.toBe('PRIMARY');
}, 120_000);

test('whoever replicates from a secondary turns to the primary before that secondary is told to end', async () => {
  await using one = await startPod(0);
  await using two = await startPod(1);
  await using three = await startPod(2);
  await startSetOfThree([one, two, three]);
  await using _writing = writing(one);
  await replicatesFrom(three, two.host);

  await expect(two.preStop()).resolves.toBe(0);

  await expect(sourceOf(three)).resolves.not.toBe(two.host);
  await expect(roleOf(one)).resolves.toBe('PRIMARY');
}, 120_000);

test('a member that has nobody to hand over to, or does not run, is told to end at once', async () => {
  await using pod = await startPod();
  await expect(pod.preStop()).resolves.toBe(0);
  await startOnEmptyVolume(pod);
  await expect(pod.preStop()).resolves.toBe(0);
  await using alone = await startPod(1);
  await initiateSet(alone);
  await expect(alone.preStop()).resolves.toBe(0);
  await expect(roleOf(alone)).resolves.toBe('PRIMARY');
}, 60_000);

const outcome = [() => 'left', (error: unknown) => String(error)] as const;

async function leaves(pod: Pod): Promise<string> {
  await expect(pod.preStop()).resolves.toBe(0);
  return roleOf(pod);
}

async function roleOf(pod: Pod): Promise<string> {
  const { replicaSet } = await pod.observe();
  return replicaSet.state === 'initialized' ? replicaSet.self : replicaSet.state;
}
