import { Schema } from 'mongoose';
import { usersMarker } from '../api.ts';
import type { UsersMarker } from '../api.ts';
import type { Link } from '../mongo/link.ts';

const schema = new Schema<UsersMarker>(
  {
    _id: { type: String, required: true },
    since: { type: Date, required: true },
    pepperId: { type: String, required: true },
  },
  { collection: usersMarker.collection, strict: 'throw', strictQuery: 'throw', versionKey: false },
);

export interface UsersMarkerStore {
  prepare(): Promise<void>;
  /** Part of the transaction that makes a user; only the first writes anything. */
  put(marker: Omit<UsersMarker, '_id'>): Promise<void>;
}

export function createUsersMarker({ connection, run }: Link): UsersMarkerStore {
  const Marker = connection.model<UsersMarker>('UsersMarker', schema);
  return {
    // Ahead of transactions: two that make the same collection are in each other's way.
    prepare: async () => {
      await Marker.createCollection();
    },
    put: (marker) =>
      run(async () => {
        await Marker.updateOne({ _id: usersMarker.id }, { $setOnInsert: marker }, { upsert: true });
      }),
  };
}
