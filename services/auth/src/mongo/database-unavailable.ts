import { mongo } from 'mongoose';
import { AuthError } from '../errors.ts';

export class DatabaseUnavailable extends AuthError {
  override readonly code = 'DATABASE_UNAVAILABLE';

  constructor(cause: unknown) {
    super('the database does not answer; try again', { cause, retryAfterSeconds: 2 });
  }
}

/** The database was not reached in time. */
export class NotConnected extends Error {
  override readonly name: string = 'NotConnected';
}

// Election, step-down, shutdown, interruption, time-outs, and credentials or a set that are being put back.
const passingCodes = new Set([
  6, 7, 11, 18, 24, 43, 50, 63, 64, 89, 91, 112, 133, 134, 189, 202, 211, 234, 237, 246, 251, 262, 279, 290, 384, 9001,
  10058, 10107, 11600, 11601, 11602, 13388, 13435, 13436,
]);

/** Transient failures become DatabaseUnavailable; errors of our own request stay as they are. */
export function asUnavailable(error: unknown): unknown {
  return isPassing(error) ? new DatabaseUnavailable(error) : error;
}

/** Of the driver's errors for a wrong call, those that come of a connection that was closed meanwhile. */
const passingCalls = [
  mongo.MongoNotConnectedError,
  mongo.MongoServerClosedError,
  mongo.MongoTopologyClosedError,
  mongo.MongoClientClosedError,
  mongo.MongoExpiredSessionError,
];

/** Of Node's sockets: a connection that breaks while the driver writes to it ends in one of these, and in no error of the driver. */
const brokenSocket = /^(EPIPE|ECONN[A-Z]+|ETIMEDOUT|E(HOST|NET)(DOWN|UNREACH)|ERR_STREAM_[A-Z_]+|ERR_SOCKET_[A-Z_]+)$/;

/** Passes by itself: an election, a connection that broke, a server that is busy or going. */
export function isPassing(error: unknown): error is Error {
  if (error instanceof NotConnected || isBrokenSocket(error) || isBrokenCommit(error)) return true;
  if (!(error instanceof mongo.MongoError)) return false;
  if (hasPassingLabel(error) || error instanceof mongo.MongoWriteConcernError) return true;
  if (error instanceof mongo.MongoServerError) return passingCodes.has(Number(error.code));
  if (error instanceof mongo.MongoAPIError) return passingCalls.some((kind) => error instanceof kind);
  // Everything else that the driver throws concerns servers and connections. A list of kinds would be incomplete: some are
  // not exported, and a server lost between selection and use is reported as "does not support retryable writes".
  return !(error instanceof mongo.MongoParseError);
}

function isBrokenSocket(error: unknown): boolean {
  // Not instanceof: an error of Node's own is of another realm where the service runs in one, as under Jest.
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return typeof error.code === 'string' && brokenSocket.test(error.code);
}

/** A socket that breaks during a commit: the driver asks the socket's error for labels that only its own errors have. */
function isBrokenCommit(error: unknown): boolean {
  return error instanceof Error && error.message.endsWith('.hasErrorLabel is not a function');
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
