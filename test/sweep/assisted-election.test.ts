import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { agentContract } from '../../services/mongodb-agent/src/api.ts';
import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
import type { Subject } from './subject.ts';
import { openTestBed } from './test-bed.ts';
import type { TestBed } from './test-bed.ts';

const WITHIN = { within: 300_000, every: 100 };
const STAND = `POST ${agentContract.paths.stepUp}`;

let bed: TestBed;

beforeAll(async () => {
  bed = await openTestBed({ lane: 9 });
}, 900_000);

afterAll(async () => {
  await bed[Symbol.asyncDispose]();
});

test('a primary that is frozen is left to the members, and one whose mongod was killed is replaced by the operator', async () => {
  const subject = await bed.prepare();
  bed.operators.start();
  await subject.createStack(3);
  await eventually(() => hasPrimaryOtherThan(subject, undefined), WITHIN);
  const first = await hasPrimaryOtherThan(subject, undefined);

  await bed.signalMongod(subject, first, 'SIGSTOP');
  const second = await eventually(() => hasPrimaryOtherThan(subject, first), WITHIN);
  expect(standings()).toBe(0);
  await bed.signalMongod(subject, first, 'SIGCONT');
  await eventually(() => isHealthy(subject), WITHIN);

  await bed.signalMongod(subject, second, 'SIGKILL');
  await eventually(() => hasPrimaryOtherThan(subject, second), WITHIN);
  // Carried out by an agent: the new primary did not wait for a time-out.
  expect(standings()).toBe(1);
  await bed.clear(subject);
}, 900_000);

test('a primary whose pod is gone is replaced by the operator, and by the members alone where the spec forbids it', async () => {
  const subject = await bed.prepare();
  bed.operators.start();
  await subject.createStack(3);
  await eventually(() => isHealthy(subject), WITHIN);
  const first = await hasPrimaryOtherThan(subject, undefined);
  const before = standings();

  await subject.deletePod(first);
  const second = await eventually(() => hasPrimaryOtherThan(subject, first), WITHIN);
  expect(standings()).toBe(before + 1);
  await eventually(() => isHealthy(subject), WITHIN);

  await subject.assistElections(false);
  await eventually(() => hasSeenItsSpec(subject), WITHIN);
  await bed.signalMongod(subject, second, 'SIGKILL');
  await eventually(() => hasPrimaryOtherThan(subject, second), WITHIN);
  expect(standings()).toBe(before + 1);
  await bed.clear(subject);
}, 900_000);

async function hasSeenItsSpec(subject: Subject): Promise<void> {
  const { metadata, status } = (await subject.stack()) ?? {};
  if (status?.observedGeneration !== metadata?.generation) throw new Error('the operator has not seen the spec yet');
}

function standings(): number {
  return bed.gateway.writes.filter(({ label }) => label === STAND).length;
}

async function isHealthy(subject: Subject): Promise<void> {
  const conditions = (await subject.stack())?.status?.conditions ?? [];
  const { reason } = conditions.find(({ type }) => type === 'DatabaseReady') ?? {};
  if (reason !== 'AllMembersHealthy') throw new Error(`DatabaseReady is ${reason ?? 'not there'}`);
}

async function hasPrimaryOtherThan(subject: Subject, former: string | undefined): Promise<string> {
  if (former === undefined) await isHealthy(subject);
  const { primary } = (await subject.stack())?.status?.mongodb ?? {};
  if (primary === undefined || primary === former) throw new Error(`the primary is ${primary ?? 'none'}`);
  return primary;
}
