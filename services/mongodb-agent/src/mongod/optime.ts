import { Timestamp } from 'mongodb';
import { z } from 'zod';
import type { Optime } from '../api.ts';

/** mongod's own form: term, and the oplog's timestamp. */
export const optimeReply = z.object({ ts: z.instanceof(Timestamp), t: z.number() });

export function optimeOf({ ts, t }: z.infer<typeof optimeReply>): Optime {
  return { term: t, seconds: ts.t, ordinal: ts.i };
}
