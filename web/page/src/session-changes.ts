/** Every page of this origin is told when somebody signs in or out on one of them. */
export interface SessionChanges {
  /** This page has signed in or out. The others hear of it, this one does not. */
  readonly announce: () => void;
  /** Calls back whenever the session may have changed behind the page's back. Answers how to stop. */
  readonly follow: (check: () => void) => () => void;
}

type Events = Pick<EventTarget, 'addEventListener' | 'removeEventListener'>;

export interface Surroundings {
  readonly window: Events;
  readonly document: Events & { readonly visibilityState: string };
  /** Opens the channel that all pages of the origin share. */
  readonly open: () => BroadcastChannel;
}

const CHANNEL = 'authstack-session';

/**
 * Tabs tell each other. What happens on another device, or to a session that times out, is noticed when somebody looks at the
 * page again: it comes to the front, gets the focus, the network back, or is restored from the browser's cache.
 */
export function createSessionChanges({ window, document, open }: Surroundings): SessionChanges {
  return {
    announce() {
      const channel = open();
      channel.postMessage('changed');
      channel.close();
    },
    follow(check) {
      const channel = open();
      const whenVisible = (): void => {
        if (document.visibilityState === 'visible') check();
      };
      const whenRestored = (event: Event): void => {
        if ('persisted' in event && event.persisted === true) check();
      };
      const events: readonly [Events, string, (event: Event) => void][] = [
        [channel, 'message', check],
        [window, 'focus', check],
        [window, 'online', check],
        [window, 'pageshow', whenRestored],
        [document, 'visibilitychange', whenVisible],
      ];
      for (const [target, name, listener] of events) target.addEventListener(name, listener);
      return () => {
        for (const [target, name, listener] of events) target.removeEventListener(name, listener);
        channel.close();
      };
    },
  };
}

export function browserSurroundings(): Surroundings {
  return { window, document, open: () => new BroadcastChannel(CHANNEL) };
}
