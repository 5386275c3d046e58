import { systemClock } from '@authstack/http-service/clock';
import { Schema } from 'mongoose';
import type { Model, QueryFilter, UpdateQuery } from 'mongoose';
import { RateLimiterMongo, RateLimiterRes } from 'rate-limiter-flexible';
import type { Link } from '../mongo/link.ts';
import { FORGET_SECONDS, windows } from './limits.ts';
import type { Operation } from './limits.ts';
import type { Subject, ThrottleStore, Turn } from './throttle-store.ts';

/** As rate-limiter-flexible writes it. */
interface CounterFields {
  key: string;
  points: number;
  expire: Date | null;
}

const schema = new Schema<CounterFields>(
  {
    key: { type: String, required: true },
    points: { type: Number, required: true },
    expire: { type: Date },
  },
  { collection: 'throttles', strict: 'throw', strictQuery: 'throw', versionKey: false },
);
schema.index({ key: 1 }, { unique: true });
schema.index({ expire: 1 }, { expireAfterSeconds: 0 });

// What a lost primary takes along is some counts of a moment; nobody waits for a majority.
const writing = { writeConcern: { w: 1 } } as const;

export function createThrottleStore({
  connection,
  run,
  patiently,
}: Omit<Link, 'transaction'>): ThrottleStore & { prepare(): Promise<void> } {
  const Counter = connection.model<CounterFields>('Throttle', schema);
  const storeClient = clientOf(Counter, run);
  const limiter = (keyPrefix: string, { points, seconds }: { points: number; seconds: number }): RateLimiterMongo =>
    new RateLimiterMongo({
      storeClient,
      tableName: 'throttles',
      keyPrefix,
      points,
      duration: seconds,
      disableIndexesCreation: true,
    });
  const byOperation = mapValues(windows, (operation, window) => limiter(operation, window));
  const failing = limiter('failures', { points: Number.MAX_SAFE_INTEGER, seconds: FORGET_SECONDS });
  const turns = limiter('turn', { points: 1, seconds: 1 });
  const within = ({ counted, key }: Subject): string => `${counted}:${key}`;

  return {
    prepare: () => patiently(() => Counter.createIndexes()),
    take: (operation, key, points) => turnOf(byOperation[operation].consume(key, points)),
    async failures(subjects) {
      // The library reads one counter at a time, and each is a trip to the database. It judges by the time of the machine.
      const keys = subjects.map((subject) => failing.getKey(within(subject)));
      const unexpired = { key: { $in: keys }, expire: { $gt: systemClock.now() } };
      // A failure that another pod has just written counts, though no majority has it yet.
      const found = await run(() => Counter.find(unexpired).select('key points').readConcern('local').lean());
      return keys.map((key) => found.find((counter) => counter.key === key)?.points ?? 0);
    },
    async addFailure(subject) {
      await failing.penalty(within(subject));
    },
    takeTurn(subject, seconds) {
      // Every limiter of the library takes it; its types leave it out for this one.
      const lasting = { attrs: {}, customDuration: seconds };
      return turnOf(turns.consume(within(subject), 1, lasting));
    },
    async forget(subject) {
      await Promise.all([failing, turns].map((each) => each.delete(within(subject))));
    },
  };
}

/** The library rejects with the state of the counter where it refuses, and with an error where it could not look. */
async function turnOf(consumed: Promise<RateLimiterRes>): Promise<Turn> {
  try {
    return { granted: true, wait: (await consumed).msBeforeNext };
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return { granted: false, wait: refusal.msBeforeNext };
    throw refusal;
  }
}

/**
 * What the library does to its collection, done by the model: bounded in time, and with the database's failures as
 * DatabaseUnavailable, like everything else that the service asks the database.
 */
function clientOf(Counter: Model<CounterFields>, run: Link['run']): object {
  type Filter = QueryFilter<CounterFields>;
  return {
    collection: () => ({
      findOneAndUpdate: (filter: Filter, update: UpdateQuery<CounterFields>) =>
        run(() =>
          Counter.findOneAndUpdate(filter, update, { upsert: true, returnDocument: 'after', ...writing }).lean(),
        ),
      deleteOne: (filter: Filter) => run(() => Counter.deleteOne(filter, writing)),
    }),
  };
}

function mapValues<Out>(
  record: typeof windows,
  make: (operation: Operation, window: (typeof windows)[Operation]) => Out,
): Readonly<Record<Operation, Out>> {
  return {
    sign_in: make('sign_in', record.sign_in),
    sign_up: make('sign_up', record.sign_up),
    refresh: make('refresh', record.refresh),
  };
}
