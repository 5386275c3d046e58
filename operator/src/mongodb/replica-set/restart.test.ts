import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../runtime/core-kinds.ts';
import type { MongodbObservation } from '../members/observation.ts';
import { podTemplate, templateIdOf } from '../objects/pod-template.ts';
import { planMongodb } from '../plan.ts';
import { aStack, held, images, member, seen } from '../testing/seen.ts';
import {
  current,
  ofTemplate,
  outdated,
  recorded,
  serving,
  statefulSet,
  template,
  terminating,
  withAgent,
} from '../testing/sets.ts';
import { now } from '../testing/summary.ts';
import type { Case, Change } from '../testing/summary.ts';

const newTemplate = podTemplate(aStack(), {
  images: { ...images, agent: 'authstack/mongodb-agent:2' },
  version: '8.0',
});
const crashing = {
  containerStatuses: [
    { name: 'mongod', ready: false, restartCount: 4, state: { waiting: { reason: 'CrashLoopBackOff' } } },
  ],
};

describe('a rolling restart', () => {
  test.each<Case>([
    [
      'secondaries go first, the last one before the others',
      { statefulSet: statefulSet(), members: outdated(serving(3), 0, 1, 2) },
      'True/UpgradePending',
      [{ delete: 'shop-mongodb-2' }],
    ],
    [
      'the primary steps down when all others are done',
      { statefulSet: statefulSet(), members: outdated(serving(3), 0) },
      'True/UpgradePending',
      [{ stepDown: 'shop-mongodb-0' }],
    ],
    [
      'and goes as the secondary that it is then',
      { statefulSet: statefulSet(), members: outdated(serving(3, { primary: 1 }), 0) },
      'True/UpgradePending',
      [{ delete: 'shop-mongodb-0' }],
    ],
    [
      'none goes while another is unhealthy',
      { statefulSet: statefulSet(), members: outdated(serving(3, { states: { 1: 'RECOVERING' } }), 0, 2) },
      'True/Degraded',
      [],
    ],
    [
      'none goes while another is Terminating, though the primary still sees it',
      {
        statefulSet: statefulSet(),
        members: outdated(serving(3), 0, 1).map((one) => (one.ordinal === 2 ? terminating(one) : one)),
      },
      'True/Degraded',
      [],
    ],
    [
      'none goes while another does not report itself healthy',
      { statefulSet: statefulSet(), members: withAgent(outdated(serving(3), 0, 1), 2, 'unknown') },
      'True/UpgradePending',
      [],
    ],
    [
      'none goes while another is behind',
      { statefulSet: statefulSet(), members: outdated(serving(3, { lagSeconds: 30 }), 0, 1, 2) },
      'True/UpgradePending',
      [],
    ],
    [
      'what does not run goes at once',
      {
        statefulSet: statefulSet(),
        members: outdated(
          withAgent(serving(3, { states: { 0: 'PRIMARY', 2: 'DOWN' } }), 2, {
            ...held,
            volume: { state: 'data' },
            gate: 'released',
          }),
          0,
          2,
        ),
      },
      'True/Degraded',
      [{ delete: 'shop-mongodb-2' }],
    ],
    [
      'what waits to be started again goes at once, although nobody is primary',
      {
        ...{ identity: recorded(1), stack: aStack({ members: 1 }) },
        statefulSet: statefulSet(),
        members: [ofTemplate(member(0, { ...held, volume: { state: 'data' } }), 'older', crashing)],
      },
      'False/ContainerCrashes',
      [{ delete: 'shop-mongodb-0' }],
    ],
    [
      'a member that is alone just restarts',
      {
        ...{ identity: recorded(1), stack: aStack({ members: 1 }) },
        statefulSet: statefulSet(),
        members: outdated(serving(1), 0),
      },
      'True/UpgradePending',
      [{ delete: 'shop-mongodb-0' }],
    ],
    [
      'none goes while new pods might still be of the older template',
      {
        statefulSet: { ...statefulSet(), status: { observedGeneration: 1 } },
        members: outdated(serving(3), 0, 1, 2),
      },
      'True/AllMembersHealthy',
      [],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });

  test('`kubectl rollout restart` restarts the members one by one, the last one first', () => {
    const restartedAt = { 'kubectl.kubernetes.io/restartedAt': '2030-01-01T00:00:00Z' };
    const asked = statefulSet({
      template: { ...template, metadata: { annotations: { ...template.metadata?.annotations, ...restartedAt } } },
    });
    const members = outdated(serving(3)).map((one) =>
      one.ordinal === 2 && one.pod ? { ...one, pod: annotated(one.pod, restartedAt) } : one,
    );
    expect(now({ statefulSet: asked, members })).toMatchObject({
      ready: 'True/UpgradePending',
      message: expect.stringContaining('Restarting shop-mongodb-1'),
      does: [{ delete: 'shop-mongodb-1' }],
    });
    expect(appliedTemplate({ statefulSet: asked, members })).toBe(current);
  });

  function annotated({ metadata, ...rest }: Pod, annotations: Readonly<Record<string, string>>): Pod {
    return { ...rest, metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } } };
  }

  const onRequest = (annotations = {}): MongodbObservation['stack'] => {
    const stack = aStack({ annotations });
    return { ...stack, spec: { ...stack.spec, updates: { policy: 'OnRequest' } } };
  };
  const newImages = { ...images, agent: 'authstack/mongodb-agent:2' };
  const appliedTemplate = (change: Change): string | undefined => {
    const set = planMongodb(seen(change)).actions.find(
      (action) => action.type === 'apply' && action.kind.kind === 'StatefulSet',
    );
    const { object } = set as unknown as { object: { spec: { template: typeof template } } };
    return templateIdOf(object.spec.template);
  };

  test('OnRequest: the current template stays, and the pending one is named', () => {
    const change = { stack: onRequest(), statefulSet: statefulSet(), members: outdated(serving(3)), images: newImages };
    expect(appliedTemplate(change)).toBe(current);
    expect(now(change)).toMatchObject({
      ready: 'True/UpgradePending',
      message: expect.stringContaining(`authstack.dev/update-members=${templateIdOf(newTemplate) ?? ''}`),
      does: [],
    });
  });

  test('OnRequest: only the very template that was approved is applied', () => {
    const asked = { 'authstack.dev/update-members': templateIdOf(newTemplate) };
    const change = {
      stack: onRequest(asked),
      statefulSet: statefulSet(),
      members: outdated(serving(3)),
      images: newImages,
    };
    expect(appliedTemplate(change)).toBe(templateIdOf(newTemplate));
    const yetAnother = { ...change, images: { ...images, agent: 'authstack/mongodb-agent:3' } };
    expect(appliedTemplate(yetAnother)).toBe(current);
  });

  test('Automatic: the new template is applied', () => {
    const change = { statefulSet: statefulSet(), members: outdated(serving(3)), images: newImages };
    expect(appliedTemplate(change)).toBe(templateIdOf(newTemplate));
  });
});
