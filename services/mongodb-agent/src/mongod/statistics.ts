import type { Document } from 'mongodb';
import { Timestamp } from 'mongodb';
import { z } from 'zod';
import type { Mongod } from './connection.ts';

// For the metrics alone: no decision looks at any of it.

export interface ServerStatistics {
  readonly connections: number;
  /** Elections that this member has called since mongod started, by mongod's name of the reason. */
  readonly elections: Readonly<Record<string, number>>;
}

export interface OplogStatistics {
  /** From the first entry to the last: a member that was away for longer needs an initial sync. */
  readonly windowSeconds: number;
  /** Until the oplog is full its window is only as long as the set is old. */
  readonly fullness: number;
}

/** Less than a scrape may take, also when mongod is slow to answer. */
const withinScrape = { timeoutMillis: 2_000 };

/** Sections that make serverStatus long and are not needed. */
const unneeded = ['locks', 'metrics', 'opLatencies', 'tcmalloc', 'transactions', 'wiredTiger'];

export async function readServer(mongod: Mongod): Promise<ServerStatistics> {
  const command: Document = { serverStatus: 1, ...Object.fromEntries(unneeded.map((section) => [section, 0])) };
  const { connections, electionMetrics } = serverReply.parse(await mongod.command(command, withinScrape));
  const elections = Object.entries(electionMetrics).map(([reason, { called }]) => [reason, called] as const);
  return { connections: connections.current, elections: Object.fromEntries(elections) };
}

export async function readOplog(mongod: Mongod): Promise<OplogStatistics> {
  const [first, last, space] = await Promise.all([entryAt(mongod, 1), entryAt(mongod, -1), oplogSpace(mongod)]);
  return { windowSeconds: last - first, fullness: Math.min(1, space.size / space.maxSize) };
}

const calls = z.object({ called: z.number() });
const serverReply = z.object({
  connections: z.object({ current: z.number() }),
  electionMetrics: z.object({
    ...{ stepUpCmd: calls, priorityTakeover: calls, catchUpTakeover: calls, electionTimeout: calls },
    freezeTimeout: calls,
  }),
});

/** Seconds since 1970 of the oplog's first (1) or last (-1) entry. */
async function entryAt(mongod: Mongod, end: 1 | -1): Promise<number> {
  const command = { find: 'oplog.rs', sort: { $natural: end }, limit: 1, projection: { ts: 1 } };
  const { cursor } = entryReply.parse(await mongod.command(command, { db: 'local', ...withinScrape }));
  return cursor.firstBatch[0].ts.t;
}

const entryReply = z.object({
  cursor: z.object({ firstBatch: z.tuple([z.object({ ts: z.instanceof(Timestamp) })]) }),
});

async function oplogSpace(mongod: Mongod): Promise<z.infer<typeof space>> {
  const pipeline = [
    { $collStats: { storageStats: {} } },
    { $project: { size: '$storageStats.size', maxSize: '$storageStats.maxSize' } },
  ];
  const command = { aggregate: 'oplog.rs', pipeline, cursor: {} };
  return spaceReply.parse(await mongod.command(command, { db: 'local', ...withinScrape })).cursor.firstBatch[0];
}

const space = z.object({ size: z.number(), maxSize: z.number().positive() });
const spaceReply = z.object({ cursor: z.object({ firstBatch: z.tuple([space]) }) });
