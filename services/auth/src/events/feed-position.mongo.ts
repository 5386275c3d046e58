import { randomBytes } from 'node:crypto';
import { Schema } from 'mongoose';
import type { Link } from '../mongo/link.ts';
import type { FeedPosition, FeedPositionStore } from './feed-position.ts';

interface PositionFields {
  _id: string;
  epoch: string;
  seq: number;
}

export const feedCollection = 'feed';

const schema = new Schema<PositionFields>(
  {
    _id: { type: String, required: true },
    epoch: { type: String, required: true },
    seq: { type: Number, required: true },
  },
  { collection: feedCollection, strict: 'throw', strictQuery: 'throw', versionKey: false },
);

/** The one document of its kind: epoch and seq are read together, never one of before and one of after. */
const _id = 'position';

interface ReadPosition {
  readonly epoch: string;
  readonly seq: number;
  readonly asOf: Date;
}

export function createFeedPositionStore({
  connection,
  run,
  patiently,
}: Omit<Link, 'transaction'>): FeedPositionStore & { prepare(): Promise<void> } {
  const Position = connection.model<PositionFields>('FeedPosition', schema);

  /** Of all who try at once the first makes it. */
  async function begin(): Promise<void> {
    const first = { epoch: randomBytes(16).toString('base64url'), seq: 0 };
    await Position.updateOne({ _id }, { $setOnInsert: first }, { upsert: true });
  }

  async function find(): Promise<ReadPosition | undefined> {
    const [found] = await Position.aggregate<ReadPosition>([
      { $match: { _id } },
      { $project: { _id: 0, epoch: 1, seq: 1, asOf: '$$NOW' } },
    ]);
    return found;
  }

  return {
    prepare: () => patiently(begin),
    read: () =>
      run(async (): Promise<FeedPosition> => {
        let found = await find();
        // Taken away while pods run, as a restore does: nobody may go on from what was before.
        if (!found) {
          await begin();
          found = await find();
        }
        if (!found) throw new TypeError('the position of the feed is gone as soon as it is written');
        return { epoch: found.epoch, seq: found.seq, asOf: found.asOf.getTime() };
      }),
  };
}
