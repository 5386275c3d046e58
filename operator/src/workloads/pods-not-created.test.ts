import { expect, test } from '@jest/globals';
import type { Event } from '../runtime/core-kinds.ts';
import { failedCreateIn, replicaFailureOf } from './pods-not-created.ts';

const quota = 'pods "shop-mongodb-1" is forbidden: failed quota: small: must specify limits.cpu';

function event(second: number, note: string): Event {
  const deprecatedLastTimestamp = new Date(Date.UTC(2030, 0, 1, 0, 0, second)).toISOString();
  return { apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'e' }, deprecatedLastTimestamp, note };
}

const failed = (second: number, pod: string, cause = quota): Event =>
  event(second, `create Pod ${pod} in StatefulSet shop-mongodb failed error: ${cause}`);
const created = (second: number, pod: string): Event =>
  event(second, `create Pod ${pod} in StatefulSet shop-mongodb successful`);

test('the cause is the latest failure of a pod that is missing', () => {
  const events = [failed(3, 'shop-mongodb-1', 'later'), failed(1, 'shop-mongodb-1', 'earlier')];
  expect(failedCreateIn(events, ['shop-mongodb-0', 'shop-mongodb-1'])).toEqual({ cause: 'later' });
});

test.each<[string, readonly Event[]]>([
  ['an attempt after it succeeded', [failed(1, 'shop-mongodb-1'), created(2, 'shop-mongodb-1')]],
  ['it was of a pod that exists', [failed(1, 'shop-mongodb-0')]],
  ['nothing was tried yet', []],
  ['the event is about something else', [event(1, 'Back-off restarting failed container')]],
])('a failure is not reported when %s', (...[, events]) => {
  expect(failedCreateIn(events, ['shop-mongodb-1'])).toBeUndefined();
});

test('a claim that is refused keeps its pod from being created', () => {
  const note =
    'create Claim data-shop-mongodb-1 Pod shop-mongodb-1 in StatefulSet shop-mongodb failed error: no storage';
  const events = [created(1, 'shop-mongodb-1'), event(2, `(combined from similar events): ${note}`)];
  expect(failedCreateIn(events, ['shop-mongodb-1'])).toEqual({ cause: 'no storage' });
});

test('a Deployment reports it in its condition', () => {
  const deployment = (status: string): Parameters<typeof replicaFailureOf>[0] => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'shop-auth' },
    status: { conditions: [{ type: 'ReplicaFailure', status, message: 'exceeded quota' }] },
  });
  expect(replicaFailureOf(deployment('True'))).toEqual({ cause: 'exceeded quota' });
  expect(replicaFailureOf(deployment('False'))).toBeUndefined();
});
