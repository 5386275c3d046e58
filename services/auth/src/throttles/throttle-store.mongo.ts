import type { Millis } from '@authstack/http-service/clock';
import { Schema } from 'mongoose';
import type { Link } from '../mongo/link.ts';
import { FORGET_SECONDS, windows } from './limits.ts';
import type { Subject, ThrottleStore, Turn } from './throttle-store.ts';

interface CounterFields {
  key: string;
  points: number;
  expire: Date;
  /** When the database last counted. */
  asOf: Date;
}

const COLLECTION = 'throttles';

const schema = new Schema<CounterFields>(
  {
    key: { type: String, required: true },
    points: { type: Number, required: true },
    expire: { type: Date, required: true },
    asOf: { type: Date, required: true },
  },
  { collection: COLLECTION, strict: 'throw', strictQuery: 'throw', versionKey: false },
);
schema.index({ key: 1 }, { unique: true });
schema.index({ expire: 1 }, { expireAfterSeconds: 0 });

// What a lost primary takes along is some counts of a moment; nobody waits for a majority.
const writing = { writeConcern: { w: 1 } } as const;
// A failure that another pod has just written counts, though no majority has it yet.
const asOfThisMoment = { readConcern: { level: 'local' }, projection: { _id: 0, key: 1, points: 1 } } as const;

/** By the clock of the database, which sets every time of a counter and judges it: those of pods may differ by any amount. */
const isRunning = { $gt: ['$expire', '$$NOW'] };

interface Counted {
  readonly points: number;
  /** Until the counter begins anew. */
  readonly wait: Millis;
}

export function createThrottleStore({
  connection,
  reads,
  run,
  patiently,
}: Omit<Link, 'transaction'>): ThrottleStore & { prepare(): Promise<void> } {
  const counters = reads<CounterFields>(COLLECTION);
  const Counter = connection.model<CounterFields>('Throttle', schema);

  /** Adds to the counter, which lasts so long from the first that is added; in one step, also where it has to begin anew. */
  async function add(key: string, points: number, seconds: number): Promise<Counted> {
    const counted = {
      points: { $cond: [isRunning, { $add: ['$points', points] }, points] },
      expire: { $cond: [isRunning, '$expire', { $add: ['$$NOW', seconds * 1000] }] },
      asOf: '$$NOW',
    };
    const counter = await run(() =>
      Counter.findOneAndUpdate({ key }, [{ $set: counted }], {
        upsert: true,
        returnDocument: 'after',
        updatePipeline: true,
        ...writing,
      }).lean(),
    );
    return { points: counter.points, wait: counter.expire.getTime() - counter.asOf.getTime() };
  }

  async function takeOf(most: number, [key, points, seconds]: Parameters<typeof add>): Promise<Turn> {
    const counter = await add(key, points, seconds);
    return { granted: counter.points <= most, wait: counter.wait };
  }

  return {
    prepare: () => patiently(() => Counter.createIndexes()),
    take: (operation, key, points) =>
      takeOf(windows[operation].points, [`${operation}:${key}`, points, windows[operation].seconds]),
    async failures(subjects) {
      const keys = subjects.map(failuresOf);
      const found = await run(() => counters.all({ key: { $in: keys }, $expr: isRunning }, asOfThisMoment));
      return keys.map((key) => found.find((counter) => counter.key === key)?.points ?? 0);
    },
    async addFailure(subject) {
      await add(failuresOf(subject), 1, FORGET_SECONDS);
    },
    takeTurn: (subject, seconds) => takeOf(1, [turnOf(subject), 1, seconds]),
    async forget(subject) {
      await run(() => Counter.deleteMany({ key: { $in: [failuresOf(subject), turnOf(subject)] } }, writing));
    },
  };
}

function failuresOf({ counted, key }: Subject): string {
  return `failures:${counted}:${key}`;
}

function turnOf({ counted, key }: Subject): string {
  return `turn:${counted}:${key}`;
}
