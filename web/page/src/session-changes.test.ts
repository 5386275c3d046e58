import { afterEach, expect, test } from '@jest/globals';
import { createSessionChanges } from './session-changes.ts';
import type { SessionChanges } from './session-changes.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

class Page extends EventTarget {
  visibilityState = 'visible';
}

interface Tab {
  readonly changes: SessionChanges;
  readonly window: EventTarget;
  readonly document: Page;
  checks: number;
  /** Resolves with the next check. */
  readonly checked: Promise<undefined>;
}

/** Each test has a channel of its own. */
function tabsOf(channel: string): Tab[] {
  return [0, 1].map(() => {
    const [window, document, signal] = [new EventTarget(), new Page(), Promise.withResolvers<undefined>()];
    const changes = createSessionChanges({ window, document, open: () => new BroadcastChannel(channel) });
    const tab: Tab = { changes, window, document, checks: 0, checked: signal.promise };
    stops.push(
      changes.follow(() => {
        tab.checks += 1;
        signal.resolve(undefined);
      }),
    );
    return tab;
  });
}

test('a sign-out in one tab is noticed in the other at once', async () => {
  const [here, there] = tabsOf('told') as [Tab, Tab];
  here.changes.announce();
  await there.checked;
  expect(there.checks).toBe(1);
});

const events: readonly [string, (tab: Tab) => boolean, number][] = [
  ['gets the focus', ({ window }) => window.dispatchEvent(new Event('focus')), 1],
  ['is online again', ({ window }) => window.dispatchEvent(new Event('online')), 1],
  ['comes to the front', ({ document }) => document.dispatchEvent(new Event('visibilitychange')), 1],
  [
    'goes to the back',
    ({ document }) => {
      document.visibilityState = 'hidden';
      return document.dispatchEvent(new Event('visibilitychange'));
    },
    0,
  ],
  ['is shown for the first time', ({ window }) => window.dispatchEvent(shown(false)), 0],
  ["is restored from the browser's cache", ({ window }) => window.dispatchEvent(shown(true)), 1],
];

test.each(events)('a page that %s checks the session or need not', (_what, happen, checks) => {
  const [tab] = tabsOf('events') as [Tab];
  happen(tab);
  expect(tab.checks).toBe(checks);
});

test('a page that follows no longer is not called', () => {
  const [tab] = tabsOf('stopped') as [Tab];
  for (const stop of stops.splice(0)) stop();
  tab.window.dispatchEvent(new Event('focus'));
  expect(tab.checks).toBe(0);
});

function shown(persisted: boolean): Event {
  return Object.assign(new Event('pageshow'), { persisted });
}
