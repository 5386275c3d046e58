import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Order, OrderStore, Placed } from './order-store.ts';

// WAL with synchronous=FULL: an order that was answered is on the disk.
const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (user_id, ticket_id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS orders_by_ticket ON orders (ticket_id);
`;

const WAIT_FOR_LOCK_MS = 2_000;

const orderRow = z
  .object({ id: z.string(), user_id: z.string(), ticket_id: z.string(), title: z.string(), created_at: z.number() })
  .transform((row): Order => ({
    id: row.id,
    userId: row.user_id,
    ticketId: row.ticket_id,
    title: row.title,
    createdAt: row.created_at,
  }));
const soldRow = z.object({ ticket_id: z.string(), sold: z.number() });

export function openOrderStore(path: string): OrderStore {
  const database = new DatabaseSync(path, { timeout: WAIT_FOR_LOCK_MS });
  database.exec(schema);
  const has = database.prepare('SELECT 1 FROM orders WHERE user_id = ? AND ticket_id = ?');
  const soldOf = database.prepare(
    'SELECT ticket_id, count(*) AS sold FROM orders WHERE ticket_id = ? GROUP BY ticket_id',
  );
  const insert = database.prepare(
    'INSERT INTO orders (id, user_id, ticket_id, title, created_at) VALUES (?, ?, ?, ?, ?)',
  );
  const ofUser = database.prepare('SELECT * FROM orders WHERE user_id = ? ORDER BY created_at DESC, id');
  const sold = database.prepare('SELECT ticket_id, count(*) AS sold FROM orders GROUP BY ticket_id');

  function placed(order: Order, stock: number): Placed {
    if (has.get(order.userId, order.ticketId)) return 'alreadyBought';
    const before = soldRow.optional().parse(soldOf.get(order.ticketId))?.sold ?? 0;
    if (before >= stock) return 'soldOut';
    insert.run(order.id, order.userId, order.ticketId, order.title, order.createdAt);
    return 'placed';
  }

  return {
    place(order, { stock }) {
      // Takes the lock before the first read, so that no other process sells the same ticket in between.
      database.exec('BEGIN IMMEDIATE');
      try {
        const outcome = placed(order, stock);
        database.exec('COMMIT');
        return outcome;
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    ofUser: (userId) => z.array(orderRow).parse(ofUser.all(userId)),
    sold: () =>
      new Map(
        z
          .array(soldRow)
          .parse(sold.all())
          .map((row) => [row.ticket_id, row.sold]),
      ),
    close() {
      database.close();
    },
  };
}
