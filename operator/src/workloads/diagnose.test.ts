import { expect, test } from '@jest/globals';
import type { ContainerStatus, Pod } from '../runtime/core-kinds.ts';
import { diagnose, diagnoseAll } from './diagnose.ts';
import type { PodAdvice } from './diagnose.ts';

const advice: PodAdvice = {
  imageFields: { main: 'spec.auth.image', agent: "the chart's image.agent" },
  notReady: 'its /readyz does not answer 200',
};

type State = NonNullable<ContainerStatus['state']>;

interface Parts {
  readonly name?: string;
  readonly main?: State;
  readonly sidecar?: State;
  readonly init?: State;
  readonly ready?: boolean;
  readonly scheduled?: string;
  readonly deleted?: boolean;
}

const runs = { running: {} };

function aPod({ name = 'shop-0', main = runs, sidecar = runs, init, ready = false, scheduled, deleted }: Parts): Pod {
  const status = (container: string, state: State): ContainerStatus => ({
    name: container,
    ready,
    restartCount: 3,
    image: `${container}:1`,
    state,
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'auth', ...(deleted === true && { deletionTimestamp: '2030-01-01T00:00:00Z' }) },
    spec: { initContainers: [{ name: 'prepare' }, { name: 'agent', restartPolicy: 'Always' }] },
    status: {
      conditions: scheduled === undefined ? [] : [{ type: 'PodScheduled', status: 'False', message: scheduled }],
      initContainerStatuses: [...(init ? [status('prepare', init)] : []), status('agent', sidecar)],
      containerStatuses: [status('main', main)],
    },
  };
}

const waiting = (reason: string, message?: string): State => ({
  waiting: { reason, ...(message !== undefined && { message }) },
});
const ended = (exitCode: number, reason = 'Error'): State => ({ terminated: { exitCode, reason } });

test.each([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
])('%s in any container is an image that cannot be pulled, with the field that sets it', (failure) => {
  const main = diagnose(aPod({ main: waiting(failure, 'no such host') }), advice);
  expect(main).toMatchObject({ reason: 'ImageNotPullable', container: 'main' });
  expect(main?.message).toContain('Pod shop-0 cannot pull main:1 (no such host); set spec.auth.image to');
  const sidecar = diagnose(aPod({ sidecar: waiting(failure) }), advice);
  expect(sidecar?.message).toContain(`cannot pull agent:1 (${failure}); set the chart's image.agent to`);
  expect(diagnose(aPod({ init: waiting(failure) }), advice)?.message).toContain('set the image of container prepare');
});

test.each<[string, Parts, string, string]>([
  [
    'a container that cannot be created',
    { main: waiting('CreateContainerConfigError', 'secret "x" not found') },
    'ContainerConfigInvalid',
    'cannot start container main: secret "x" not found; kubectl -n auth describe pod shop-0',
  ],
  [
    'a container in its back-off',
    { main: waiting('CrashLoopBackOff') },
    'ContainerCrashes',
    'was restarted 3 times: kubectl -n auth logs shop-0 -c main --previous',
  ],
  [
    'a container that has just ended',
    { main: ended(137, 'OOMKilled') },
    'ContainerCrashes',
    'ended with OOMKilled, exit code 137, and',
  ],
  ['an init container that failed', { init: ended(1) }, 'ContainerCrashes', 'logs shop-0 -c prepare --previous'],
  [
    'a sidecar that ended well',
    { sidecar: ended(0, 'Completed') },
    'ContainerCrashes',
    'container agent of Pod shop-0',
  ],
  [
    'a pod without a node',
    { main: {}, sidecar: {}, scheduled: '0/3 nodes: too little memory' },
    'PodUnschedulable',
    'too little memory; kubectl -n auth describe pod shop-0',
  ],
  [
    'a container that runs without being ready',
    { sidecar: {} },
    'NotReady',
    'container main of Pod shop-0 runs but its /readyz does not answer 200: kubectl -n auth logs shop-0 -c main',
  ],
  ['a sidecar that runs without being ready', { main: {} }, 'NotReady', '-c agent'],
])('%s is named', (...[, parts, reason, named]) => {
  const problem = diagnose(aPod(parts), advice);
  expect(problem?.reason).toBe(reason);
  expect(problem?.message).toContain(named);
});

test.each<[string, Parts]>([
  ['a pod that serves', { ready: true }],
  ['an init container that did its work', { ready: true, init: ended(0, 'Completed') }],
  ['an init container at work', { init: runs, main: {}, sidecar: {} }],
  ['a container that is being created', { main: waiting('ContainerCreating'), sidecar: {} }],
  ['a pod that terminates', { deleted: true, main: ended(1), scheduled: 'no' }],
])('%s is no problem', (...[, parts]) => {
  expect(diagnose(aPod(parts), advice)).toBeUndefined();
});

test('among pods the cause that explains most is reported, whatever their order', () => {
  const pods = [
    aPod({ name: 'c', main: waiting('ImagePullBackOff') }),
    aPod({ name: 'b', main: waiting('ImagePullBackOff') }),
    aPod({ name: 'a', main: ended(1) }),
  ];
  for (const order of [pods, pods.toReversed()]) {
    expect(diagnoseAll(order, advice)?.message).toContain('Pod b cannot pull');
  }
});
