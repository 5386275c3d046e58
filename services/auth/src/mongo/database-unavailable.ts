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

// Election, step-down, shutdown, interruption, time-outs, and credentials or a set that are being put back.
const passingCodes = new Set([
  6, 7, 11, 18, 24, 43, 50, 63, 64, 89, 91, 112, 133, 134, 189, 202, 211, 234, 237, 246, 251, 262, 279, 290, 384, 9001,
  10058, 10107, 11600, 11601, 11602, 13388, 13435, 13436,
]);

/** What the database says for now, as opposed to what our request got wrong. */
export function asUnavailable(error: unknown): unknown {
  return isPassing(error) ? new DatabaseUnavailable(error) : error;
}

/** Of the driver's words for a wrong call, those that a connection brings about that went away meanwhile. */
const passingCalls = [
  mongo.MongoNotConnectedError,
  mongo.MongoServerClosedError,
  mongo.MongoTopologyClosedError,
  mongo.MongoClientClosedError,
  mongo.MongoExpiredSessionError,
];

function isPassing(error: unknown): boolean {
  if (error instanceof NotConnected) return true;
  if (!(error instanceof mongo.MongoError)) return false;
  if (hasPassingLabel(error) || error instanceof mongo.MongoWriteConcernError) return true;
  if (error instanceof mongo.MongoServerError) return passingCodes.has(Number(error.code));
  if (error instanceof mongo.MongoAPIError) return passingCalls.some((kind) => error instanceof kind);
  // All else that the driver throws tells of servers and connections. To list its kinds is not to know them: some are not
  // exported, and a server that is lost between being chosen and used is told as "does not support retryable writes".
  return !(error instanceof mongo.MongoParseError);
}

function hasPassingLabel(error: mongo.MongoError): boolean {
  return [
    'TransientTransactionError',
    'UnknownTransactionCommitResult',
    'RetryableWriteError',
    'RetryableError',
    'ResetPool',
  ].some((label) => error.hasErrorLabel(label));
}
