import { expect, test } from '@jest/globals';
import { ApiError } from './client.ts';
import type { ApiClient, ApiRequest } from './client.ts';
import { createEventRecorder } from './events.ts';
import type { EventRecorder } from './events.ts';
import { FakeClock } from './fake-clock.ts';
import { silent } from './log.ts';
import type { KubernetesObject } from './objects.ts';
import { kindKey } from './paths.ts';
import type { ReportedEvent } from './reconciler.ts';
import { Store } from './store.ts';

const widget: KubernetesObject = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'w', namespace: 'shop', uid: 'u-1' },
};
const event: ReportedEvent = { type: 'Warning', reason: 'Broke', message: 'it broke' };

interface Recording {
  readonly recorder: EventRecorder;
  readonly clock: FakeClock;
  readonly requests: ApiRequest[];
  answer: 'fine' | 'gone';
}

const widgets = new Store();
widgets.set(widget);
const sources = new Map([[kindKey(widget), widgets]]);

/** Keeps what was sent; events themselves go to a real API server in manager.test.ts. */
function recording(): Recording {
  const requests: ApiRequest[] = [];
  const clock = new FakeClock();
  const all: Recording = {
    recorder: { record: () => undefined },
    clock,
    requests,
    answer: 'fine',
  };
  const client: ApiClient = {
    send: <T>(request: ApiRequest) => {
      requests.push(request);
      if (all.answer === 'fine') return Promise.resolve({} as T);
      return Promise.reject(new ApiError('test', 404, { reason: 'NotFound', message: 'gone' }));
    },
    stream: () => Promise.reject(new Error('not needed')),
    close: () => Promise.resolve(),
  };
  return Object.assign(all, {
    recorder: createEventRecorder({ client, clock, log: silent, controller: 'c', instance: 'i', sources }),
  });
}

test('a repeat within a minute is counted and not sent; later the count is sent', async () => {
  const { recorder, clock, requests } = recording();
  for (let second = 0; second < 70; second++) {
    recorder.record(widget, event);
    await clock.advance(1_000);
  }
  expect(requests.map(({ method }) => method)).toEqual(['POST', 'PATCH']);
  expect(requests[1]?.body).toMatchObject({ series: { count: 61 } });
});

test('an event that was removed is written anew when it happens again', async () => {
  const all = recording();
  all.recorder.record(widget, event);
  await all.clock.advance(61_000);
  all.answer = 'gone';
  all.recorder.record(widget, event);
  await all.clock.advance(1_000);
  all.answer = 'fine';
  all.recorder.record(widget, event);
  expect(all.requests.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
});

test('an object whose message differs every time cannot flood the API server, nor silence other objects', async () => {
  const { recorder, clock, requests } = recording();
  for (let second = 0; second < 3_600; second++) {
    recorder.record(widget, { ...event, message: `attempt ${second} failed` });
    await clock.advance(1_000);
  }
  // 25 at once, and one for each of the twelve five minutes.
  expect(requests.length).toBeLessThanOrEqual(37);
  const before = requests.length;
  recorder.record({ ...widget, metadata: { ...widget.metadata, uid: 'u-2' } }, event);
  expect(requests).toHaveLength(before + 1);
});

test('a note is cut to what the API allows', () => {
  const { recorder, requests } = recording();
  recorder.record(widget, { ...event, message: 'x'.repeat(5_000) });
  expect((requests[0]?.body as { note: string }).note).toHaveLength(1_024);
});
