import type { Connection, mongo } from 'mongoose';

/** Reads of one collection, as plain documents. */
export interface Reads<Fields extends mongo.Document> {
  one(filter: mongo.Filter<Fields>, options?: mongo.FindOptions): Promise<mongo.WithId<Fields> | null>;
  all(filter: mongo.Filter<Fields>, options?: mongo.FindOptions): Promise<readonly mongo.WithId<Fields>[]>;
}

export type ReadsOf = <Fields extends mongo.Document>(collection: string) => Reads<Fields>;

/**
 * For what every sign-in reads: by a query of mongoose, which casts filters to the schema and joins transactions, the same read
 * takes about a third more CPU of the event loop. Filters are typed, their values parsed before; and there are no writes here, and
 * no reads of what a transaction has written, for these belong to models.
 */
export function readsOf(connection: Connection, isInsideTransaction: () => boolean): ReadsOf {
  return <Fields extends mongo.Document>(name: string): Reads<Fields> => {
    let opened: mongo.Collection<Fields> | undefined;

    function collection(): mongo.Collection<Fields> {
      if (isInsideTransaction()) throw new TypeError(`read ${name} by its model: a transaction is under way`);
      // Once: the driver works the options of client, database and collection out anew for each that it is asked for.
      // eslint-disable-next-line no-restricted-syntax -- because it only reads, and never inside a transaction
      opened ??= connection.getClient().db(connection.name).collection<Fields>(name);
      return opened;
    }
    return {
      one: (filter, options) => collection().findOne(filter, options),
      all: (filter, options) => collection().find(filter, options).toArray(),
    };
  };
}
