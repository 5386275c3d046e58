import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { authConsumerKind, authConsumerSpecSchema } from '../../operator/src/api/auth-consumer.ts';
import { authStackKind, authStackSpecSchema } from '../../operator/src/api/auth-stack.ts';
import { createApiClient, isApiError } from '../../operator/src/runtime/client.ts';
import type { ApiClient, ApiRequest } from '../../operator/src/runtime/client.ts';
import { deploymentKind, ingressKind, namespaceKind, secretKind } from '../../operator/src/runtime/core-kinds.ts';
import { silent } from '../../operator/src/runtime/log.ts';
import type { Kind, KubernetesObject, ObjectRef } from '../../operator/src/runtime/objects.ts';
import { collectionPath, objectPath } from '../../operator/src/runtime/paths.ts';
import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
import { startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { JumpingClock } from '../sweep/clock.ts';
import { Operators } from '../sweep/operators.ts';
import { difference, readState } from '../sweep/state.ts';
import type { State } from '../sweep/state.ts';
import { withoutHistory } from './history.ts';
import { editsOf, schemaOf } from './values.ts';
import type { Edit } from './values.ts';

const WITHIN = { within: 30_000, every: 200 };
const BEGIN_WITHIN = 20_000;
const A_MINUTE = 60_000;

/** What cannot be taken back has its first value here, or its default, so that every accepted edit can be undone. */
const stackSpec = {
  publicURL: 'https://main.example.com',
  auth: { audience: ['shop', 'admin'], ingress: { className: 'nginx' } },
  mongodb: { version: '4.4', members: 3, storage: { size: '10Gi' } },
  consumers: { allowedNamespaces: { from: 'All' } },
};
const consumerSpec = { stackRef: { namespace: 'auth', name: 'main' }, secretName: 'auth' };
const main = { namespace: 'auth', name: 'main' };
const other = { namespace: 'auth', name: 'other' };
const consumer = { namespace: 'shop', name: 'orders' };

let api: ApiServer;
let client: ApiClient;
let operators: Operators;
let first: State;
const clock = new JumpingClock();
const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);

beforeAll(async () => {
  process.on('unhandledRejection', note);
  api = await startApiServer({ crds: true });
  client = createApiClient({ userAgent: 'user', kubeconfig: api.kubeconfig });
  operators = new Operators({ kubeconfig: api.kubeconfig, clock, log: silent });
  operators.start();
  for (const name of ['auth', 'shop']) await create(namespaceKind, { name }, undefined);
  await create(authStackKind, other, { ...stackSpec, publicURL: 'https://other.example.com' });
  await create(authStackKind, main, stackSpec);
  await create(authConsumerKind, consumer, consumerSpec);
  await initiateReplicaSet();
  first = await settled();
}, 180_000);

afterAll(async () => {
  await operators.stop();
  await client.close();
  await api[Symbol.asyncDispose]();
  process.off('unhandledRejection', note);
});

function send<T>(request: Omit<ApiRequest, 'signal'>): Promise<T> {
  return client.send<T>({ ...request, signal: AbortSignal.timeout(20_000) });
}

async function create(kind: Kind, ref: ObjectRef, spec: object | undefined): Promise<void> {
  const body = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: ref, ...(spec && { spec }) };
  await send({ method: 'POST', path: collectionPath(kind, ref.namespace), body });
}

function patch(kind: Kind, ref: ObjectRef, body: object): Promise<unknown> {
  const contentType = 'application/merge-patch+json';
  return send({ method: 'PATCH', path: objectPath(kind, ref), body, contentType });
}

/** No member runs here; the replica set counts as initiated, so that what needs it is made and edited, too. */
async function initiateReplicaSet(): Promise<void> {
  const identity = { namespace: 'auth', name: 'main-mongodb-identity' };
  // The last that is made before a member is asked.
  await isThere(secretKind, { namespace: 'auth', name: 'main-mongodb-keyfile' });
  const initiated = { state: 'initiated', 'replica-set-id': '0123456789abcdef01234567' };
  const data = Object.fromEntries(Object.entries(initiated).map(([key, value]) => [key, btoa(value)]));
  await patch(secretKind, identity, { data });
  await isThere(deploymentKind, { namespace: 'auth', name: 'main-auth' });
}

async function isThere(kind: Kind, ref: ObjectRef): Promise<void> {
  await eventually(() => send({ method: 'GET', path: objectPath(kind, ref) }), WITHIN);
}

function read(): Promise<State> {
  const namespaces = { auth: 'auth', shop: 'shop' };
  return readState({ client, namespaces, as: withoutHistory });
}

/** The same twice, with what the operator waits for by the clock, such as the summary of the consumers, in between. */
async function settled(): Promise<State> {
  let before: State | undefined;
  return eventually(
    async () => {
      const state = await read();
      const stood = before !== undefined && difference(state, before).length === 0;
      before = state;
      if (stood) return state;
      clock.jump(A_MINUTE);
      throw new Error('the state still changes');
    },
    { within: 60_000, every: 1_500 },
  );
}

interface Change {
  readonly of: 'stack' | 'consumer';
  readonly edit: Edit;
}

const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      of: fc.constant('stack' as const),
      // A size that was accepted stays for ever.
      edit: editsOf(schemaOf(authStackSpecSchema)).filter((edit) => !JSON.stringify(edit).includes('"size":"')),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ of: fc.constant('consumer' as const), edit: editsOf(schemaOf(authConsumerSpecSchema)) }),
  },
);

/** Whether the API server accepted it. Only that the object is invalid is an answer; anything else is a failure. */
async function accepts({ of, edit }: Change): Promise<boolean> {
  try {
    await (of === 'stack'
      ? patch(authStackKind, main, { spec: edit })
      : patch(authConsumerKind, consumer, { spec: edit }));
    return true;
  } catch (error) {
    if (isApiError(error, 422) || isApiError(error, 400)) return false;
    throw error;
  }
}

/** The other stack in the same operator gets what it asks for. */
async function operatorGoesOn(className: string): Promise<void> {
  await patch(authStackKind, other, { spec: { auth: { ingress: { className } } } });
  await eventually(async () => {
    const path = objectPath(ingressKind, { namespace: 'auth', name: 'other-auth' });
    const ingress = await send<KubernetesObject & { spec: { ingressClassName: string } }>({ method: 'GET', path });
    expect(ingress.spec.ingressClassName).toBe(className);
  }, WITHIN);
}

async function goBack(): Promise<void> {
  for (const [kind, ref, spec] of [
    [authStackKind, main, stackSpec],
    [authConsumerKind, consumer, consumerSpec],
  ] as const) {
    const body = [{ op: 'replace', path: '/spec', value: spec }];
    const contentType = 'application/json-patch+json';
    await send({ method: 'PATCH', path: objectPath(kind, ref), body, contentType });
  }
}

test('after whatever edits the operator works on, and the first spec brings the first state back', async () => {
  let accepted = 0;
  let runs = 0;
  // fast-check's own time limit would let a run pass that hangs.
  const lastBegin = performance.now() + BEGIN_WITHIN;
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 10, maxLength: 30 }), async (changes) => {
      if (performance.now() > lastBegin) return;
      for (const one of changes) if (await accepts(one)) accepted += 1;
      runs += 1;
      await operatorGoesOn(`class-${runs}`);
      await goBack();
      await operatorGoesOn('nginx');
      await eventually(async () => {
        const differs = difference(await read(), first);
        // A key of another algorithm takes its lead before it signs again.
        if (differs.length > 0) clock.jump(A_MINUTE);
        expect(differs).toEqual([]);
      }, WITHIN);
      expect(unhandled).toEqual([]);
    }),
    { numRuns: 15, endOnFailure: true },
  );
  // Edits that the API server refuses all would prove nothing.
  expect(accepted).toBeGreaterThan(5 * runs);
}, 180_000);
