import type { SeenRequest } from './request.ts';

/** What may happen to a watch: the first five when it is opened, the others at its next event. */
export type WatchFault =
  | 'answered 410'
  | 'answered 500'
  | 'sent 410'
  | 'garbled'
  | 'closed at once'
  /** The connection is cut after the event. */
  | 'breaks'
  /** The connection stays, and nothing comes over it any more. */
  | 'falls silent'
  /** The event is left out; a second later the watch ends with 410, for only a list can make that good. */
  | 'swallows an event';

/** What may happen to a list besides: it comes late, or it is the first that was ever answered. */
export type ListFault = 'slow' | 'stale';

/** What may happen to any request; `answer lost`: it is carried out, and its sender never hears of it. `late`: as a slow list. */
export type RequestFault = 'late' | 'answered 409' | 'answered 429' | 'answered 500' | 'answered 503' | 'answer lost';

export type Fault = WatchFault | ListFault | RequestFault;

const ofWatches: ReadonlySet<Fault> = new Set<WatchFault>([
  'sent 410',
  'garbled',
  'closed at once',
  'breaks',
  'falls silent',
  'swallows an event',
]);
const ofLists: ReadonlySet<Fault> = new Set<ListFault>(['slow', 'stale']);

/** Whether an API server could do this to such a request. */
export function mayMeet({ act, method }: SeenRequest, fault: Fault): boolean {
  if (ofWatches.has(fault)) return act === 'watch';
  if (ofLists.has(fault)) return act === 'list';
  if (fault === 'answered 410') return act === 'watch' || act === 'list';
  // A conflict of versions; what is created meets another 409, AlreadyExists, and only when that is so.
  if (fault === 'answered 409') return method === 'PUT' || method === 'PATCH';
  return (fault !== 'answer lost' && fault !== 'late') || act !== 'watch';
}

const reasons: Readonly<Record<number, string>> = {
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

/** The code of `answered <code>`. */
export function codeOf(fault: Fault): number | undefined {
  const [, code] = /^answered (\d+)$/.exec(fault) ?? [];
  return code === undefined ? undefined : Number(code);
}

/** A meta/v1 Status. */
export function statusBody(code: number): string {
  const [kind, reason, message] = ['Status', reasons[code] ?? 'Unknown', 'made up by the fault gateway'];
  return JSON.stringify({ apiVersion: 'v1', kind, status: 'Failure', code, reason, message });
}
