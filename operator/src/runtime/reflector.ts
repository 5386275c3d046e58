import { cacheable } from './cacheable.ts';
import { ApiError, isApiError } from './client.ts';
import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import { wait } from './clock.ts';
import { messageOf } from './log.ts';
import type { Log } from './log.ts';
import type { Kind, KubernetesObject, Millis } from './objects.ts';
import { collectionPath, objectPath, watchOnePath } from './paths.ts';
import type { Store } from './store.ts';

export interface ReflectorOptions<T extends KubernetesObject> {
  readonly client: ApiClient;
  readonly kind: Kind<T>;
  /** Absent: all namespaces. */
  readonly namespace?: string;
  /** Only the object of this name, of a kind that is in no namespace. Of a Namespace a Role inside it is enough. */
  readonly name?: string;
  /** `key=value,…` */
  readonly labelSelector?: string;
  readonly store: Store<T>;
  readonly clock: Clock;
  readonly log: Log;
  readonly onReconnect?: (reason: ReconnectReason) => void;
  /** The API server sent something, if only a bookmark. */
  readonly onHeard?: () => void;
  /** It does something: hears, or tries, if in vain. */
  readonly onAlive?: () => void;
  /** The API server has accepted a watch. */
  readonly onWatching?: () => void;
  /** The API server forbids the list or the watch (403). Absent: it is logged each time. */
  readonly onRefused?: (error: ApiError) => void;
}

export const reconnectReasons = ['closed', 'expired', 'broken', 'silent'] as const;
export type ReconnectReason = (typeof reconnectReasons)[number];

/** Where the reflector stands: it lists until it knows a resource version, then watches from there. */
export type ReflectorState =
  | { readonly type: 'list'; readonly failures: number }
  | { readonly type: 'watch'; readonly resourceVersion: string; readonly failures: number };

export type ReflectorOutcome =
  | { readonly type: 'listed'; readonly resourceVersion: string }
  /** The watch ended after it had sent something, or had been open for a while. */
  | { readonly type: 'ended'; readonly resourceVersion: string }
  /** 410 Gone: the server no longer knows what happened since then. */
  | { readonly type: 'expired' }
  | {
      readonly type: 'failed';
      /** The server wants to be left alone for so long. */
      readonly retryAfter?: Millis;
      readonly resourceVersion?: string;
      /** It had worked before, so this failure is the first of its row. */
      readonly stood?: boolean;
    };

export function nextState(state: ReflectorState, outcome: ReflectorOutcome): ReflectorState {
  switch (outcome.type) {
    case 'listed':
      // The failures stay until a watch has stood: a server that always answers 410 must be asked ever less often.
      return { type: 'watch', resourceVersion: outcome.resourceVersion, failures: state.failures };
    case 'ended':
      return { type: 'watch', resourceVersion: outcome.resourceVersion, failures: 0 };
    case 'expired':
      return { type: 'list', failures: state.failures + 1 };
    case 'failed': {
      const failures = (outcome.stood ? 0 : state.failures) + 1;
      // A resource version that is refused again and again (of a restored etcd, for example) is given up.
      return state.type === 'list' || failures > 4
        ? { type: 'list', failures }
        : { type: 'watch', resourceVersion: outcome.resourceVersion ?? state.resourceVersion, failures };
    }
  }
}

/** client-go's reflector waits from 0.8 s to 30 s between attempts, with jitter. */
export function pauseAfter(outcome: ReflectorOutcome, { failures }: ReflectorState, random: () => number): Millis {
  if (outcome.type === 'listed' || outcome.type === 'ended') return 0;
  const pause = Math.min(30_000, 800 * 2 ** (failures - 1)) * (0.5 + random() / 2);
  const asked = outcome.type === 'failed' ? (outcome.retryAfter ?? 0) : 0;
  return Math.max(pause, Math.min(asked, LONGEST_ASKED));
}

/** A server that asks for more than this is asked before. */
const LONGEST_ASKED: Millis = 300_000;

const PAGE = '500';
/** The server sends a bookmark about every minute, so this much silence is a dead connection. */
const SILENCE: Millis = 150_000;
/** A watch that ends sooner without an event counts as a failure, so that no server is asked in a tight loop. */
const STABLE_AFTER: Millis = 5_000;

interface List<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

/**
 * Keeps a store equal to what the API server has, for as long as `signal` lives: list, then watch, again and again.
 * No error ends it. `onSynced` is called after each complete list.
 */
export async function runReflector<T extends KubernetesObject>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
  onSynced: () => void,
): Promise<void> {
  const { clock, log, kind } = options;
  let state: ReflectorState = { type: 'list', failures: 0 };
  while (!signal.aborted) {
    options.onAlive?.();
    const outcome: ReflectorOutcome = await attempt(options, state, signal);
    if (outcome.type === 'listed') onSynced();
    state = nextState(state, outcome);
    const pause = pauseAfter(outcome, state, () => clock.random());
    if (pause > 0) {
      options.onAlive?.();
      log.debug({ kind: kind.kind, pause: Math.round(pause) }, `watch of ${kind.plural} pauses`);
      await wait(clock, pause, signal).catch(() => undefined);
    }
  }
}

async function attempt<T extends KubernetesObject>(
  options: ReflectorOptions<T>,
  state: ReflectorState,
  signal: AbortSignal,
): Promise<ReflectorOutcome> {
  try {
    if (state.type === 'list') return { type: 'listed', resourceVersion: await look(options, signal) };
    return await watch(options, state.resourceVersion, signal);
  } catch (error) {
    if (signal.aborted) return { type: 'failed' };
    if (isApiError(error, 410)) {
      options.onReconnect?.('expired');
      return { type: 'expired' };
    }
    options.onReconnect?.('broken');
    complain(options, 'list', error);
    return { type: 'failed', ...laterOf(error) };
  }
}

function laterOf(error: unknown): { readonly retryAfter?: Millis } {
  return error instanceof ApiError && error.retryAfter !== undefined ? { retryAfter: error.retryAfter } : {};
}

function complain<T extends KubernetesObject>(
  { kind, log, onRefused }: Pick<ReflectorOptions<T>, 'kind' | 'log' | 'onRefused'>,
  act: 'list' | 'watch',
  error: unknown,
): void {
  if (onRefused && isApiError(error, 403)) {
    onRefused(error);
    return;
  }
  log.warn({ kind: kind.kind, error: messageOf(error) }, `${act} ${kind.plural} failed: ${messageOf(error)}`);
}

function look<T extends KubernetesObject>(options: ReflectorOptions<T>, signal: AbortSignal): Promise<string> {
  return options.name === undefined ? list(options, signal) : readOne(options, options.name, signal);
}

/** The watch of one object need not begin at a version: without one it first sends the object as it is. */
const FROM_NOW = '';

async function readOne<T extends KubernetesObject>(
  { client, kind, store, onHeard }: ReflectorOptions<T>,
  ...[name, signal]: [name: string, signal: AbortSignal]
): Promise<string> {
  try {
    const object = await client.send<T>({ method: 'GET', path: objectPath(kind, { name }), signal });
    store.set(object);
  } catch (error) {
    if (!isApiError(error, 404)) throw error;
    const before = store.get({ name });
    if (before) store.remove(before);
  }
  onHeard?.();
  return FROM_NOW;
}

async function list<T extends KubernetesObject>(options: ReflectorOptions<T>, signal: AbortSignal): Promise<string> {
  const { client, kind, namespace, labelSelector, store } = options;
  const selected = labelSelector === undefined ? {} : { labelSelector };
  const objects: T[] = [];
  let continued: string | undefined;
  for (;;) {
    const query = { ...selected, limit: PAGE, ...(continued !== undefined && { continue: continued }) };
    const page: List<T> = await client.send({ method: 'GET', path: collectionPath(kind, namespace), query, signal });
    options.onAlive?.();
    // The items of a list carry neither, those of a watch do.
    const { apiVersion } = kind;
    for (const item of page.items) objects.push(cacheable({ ...item, apiVersion, kind: kind.kind }));
    continued = page.metadata.continue;
    if (continued === undefined || continued === '') {
      store.replace(objects, namespace);
      options.onHeard?.();
      return page.metadata.resourceVersion;
    }
  }
}

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

async function watch<T extends KubernetesObject>(
  options: ReflectorOptions<T>,
  from: string,
  signal: AbortSignal,
): Promise<ReflectorOutcome> {
  const { clock, onReconnect } = options;
  const silence = silenceDetector(clock);
  const begun = clock.monotonic();
  const at = { resourceVersion: from };
  const stood = (): boolean => at.resourceVersion !== from || clock.monotonic() - begun >= STABLE_AFTER;
  try {
    await listen(options, at, { signal: AbortSignal.any([signal, silence.signal]), heard: silence.heard });
  } catch (error) {
    if (signal.aborted || isApiError(error, 410)) throw error;
    onReconnect?.(silence.signal.aborted ? 'silent' : 'broken');
    complain(options, 'watch', silence.signal.aborted ? silence.signal.reason : error);
    return { type: 'failed', ...at, stood: stood(), ...laterOf(error) };
  } finally {
    silence.stop();
  }
  onReconnect?.('closed');
  return { type: stood() ? 'ended' : 'failed', ...at };
}

async function listen<T extends KubernetesObject>(
  options: ReflectorOptions<T>,
  at: { resourceVersion: string },
  { signal, heard }: { readonly signal: AbortSignal; readonly heard: () => void },
): Promise<void> {
  const events = await openWatch(options, at.resourceVersion, signal);
  options.onWatching?.();
  for await (const line of events) {
    heard();
    take(JSON.parse(line) as WatchEvent<T>, options.store, at);
    options.onHeard?.();
    options.onAlive?.();
  }
}

function openWatch<T extends KubernetesObject>(
  { client, kind, namespace, name, labelSelector, clock }: ReflectorOptions<T>,
  resourceVersion: string,
  signal: AbortSignal,
): Promise<AsyncIterable<string>> {
  const query = {
    ...(labelSelector !== undefined && { labelSelector }),
    watch: 'true',
    allowWatchBookmarks: 'true',
    ...(resourceVersion !== FROM_NOW && { resourceVersion }),
    // client-go's span; spread, so that not every watch is opened anew at the same time.
    timeoutSeconds: String(300 + Math.floor(clock.random() * 300)),
  };
  const path = name === undefined ? collectionPath(kind, namespace) : watchOnePath(kind, name);
  return client.stream({ path, query, signal });
}

/** Puts one event into the store and moves on to the resource version it stands for. */
function take<T extends KubernetesObject>(
  { type, object }: WatchEvent<T>,
  store: Store<T>,
  at: { resourceVersion: string },
): void {
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      store.set(object);
      break;
    case 'DELETED':
      store.remove(object);
      break;
    case 'BOOKMARK':
      break;
    case 'ERROR': {
      const { code = 500, reason = 'Unknown', message = 'no message' } = object as unknown as Partial<ErrorStatus>;
      throw new ApiError('watch', code, { reason, message });
    }
  }
  at.resourceVersion = object.metadata.resourceVersion ?? at.resourceVersion;
}

interface ErrorStatus {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
}

function silenceDetector(clock: Clock): { signal: AbortSignal; heard: () => void; stop: () => void } {
  const controller = new AbortController();
  const arm = (): (() => void) =>
    clock.after(SILENCE, () => {
      controller.abort(new Error('the watch fell silent'));
    });
  let disarm = arm();
  return {
    signal: controller.signal,
    heard: () => {
      disarm();
      disarm = arm();
    },
    stop: () => {
      disarm();
    },
  };
}
