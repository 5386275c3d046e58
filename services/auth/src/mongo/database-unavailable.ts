import { mongo } from 'mongoose';
import { AuthError } from '../errors.ts';

export class DatabaseUnavailable extends AuthError {
  override readonly code = 'DATABASE_UNAVAILABLE';

  constructor(cause: unknown) {
    super('the database does not answer; try again', { cause, retryAfterSeconds: 2 });
  }
}

/** Our own word for a database that was not reached in time. */
export class NotConnected extends Error {
  override readonly name: string = 'NotConnected';
}

// Election, step-down, shutdown, time-outs, and credentials or a set that are being put back.
const passing = new Set([
  6, 7, 11, 18, 50, 63, 64, 89, 91, 112, 133, 134, 189, 202, 211, 234, 246, 251, 262, 9001, 10058, 10107, 11600, 11602,
  13388, 13435, 13436,
]);

/** What the database says for now, as opposed to what our request got wrong. */
export function asUnavailable(error: unknown): unknown {
  return isPassing(error) ? new DatabaseUnavailable(error) : error;
}

const passingKinds = [
  mongo.MongoNetworkError,
  mongo.MongoServerSelectionError,
  mongo.MongoOperationTimeoutError,
  mongo.MongoNotConnectedError,
  mongo.MongoTopologyClosedError,
  mongo.MongoClientClosedError,
  mongo.MongoExpiredSessionError,
  mongo.MongoWriteConcernError,
  NotConnected,
];

function isPassing(error: unknown): boolean {
  if (passingKinds.some((kind) => error instanceof kind)) return true;
  if (!(error instanceof mongo.MongoError)) return false;
  // The driver does not export its class.
  if (error.name === 'MongoWaitQueueTimeoutError') return true;
  return hasPassingLabel(error) || passing.has(Number(error.code));
}

function hasPassingLabel(error: mongo.MongoError): boolean {
  return ['TransientTransactionError', 'UnknownTransactionCommitResult', 'RetryableWriteError', 'ResetPool'].some(
    (label) => error.hasErrorLabel(label),
  );
}
