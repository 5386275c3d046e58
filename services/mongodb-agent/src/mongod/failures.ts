import { MongoError, MongoServerError } from 'mongodb';
import { Refusal, messageOf } from '../errors.ts';

/** mongod's error codes that the agent handles (they are the same in all versions). */
export const code = {
  authenticationFailed: 18,
  alreadyInitialized: 23,
  exceededTimeLimit: 262,
  maxTimeExpired: 50,
  invalidReplicaSetConfig: 93,
  notYetInitialized: 94,
  newConfigurationIncompatible: 103,
  configurationInProgress: 109,
  nodeNotFound: 74,
  currentConfigNotCommitted: 308,
  userAlreadyExists: 51003,
  writeConcernTimeout: 64,
  illegalOperation: 20,
  notSecondary: 95,
  commandFailed: 125,
  electionInProgress: 216,
} as const;

const notPrimary = new Set([10107, 13435, 13436, 11602, 189]);
const shuttingDown = new Set([91, 11600]);

export function hasCode(error: unknown, ...codes: readonly number[]): boolean {
  return error instanceof MongoServerError && codes.some((known) => known === error.code);
}

/** The refusal for what every command may meet; other errors are the command's own to explain. */
export function asRefusal(error: unknown): unknown {
  if (!(error instanceof MongoError)) return error;
  if (!(error instanceof MongoServerError)) {
    return unavailable(error);
  }
  if (hasCode(error, code.authenticationFailed)) {
    return new Refusal(
      'KEYFILE_REFUSED',
      'mongod refuses __system: the keyfile differs from the one this mongod started with; restart the pod once the keyfile Secret is correct',
      { cause: error },
    );
  }
  if (typeof error.code === 'number' && notPrimary.has(error.code)) {
    return new Refusal('NOT_PRIMARY', `this member is not the primary (${error.message}); ask the primary`, {
      cause: error,
    });
  }
  if (typeof error.code === 'number' && shuttingDown.has(error.code)) return unavailable(error);
  return error;
}

export function unavailable(cause: unknown): Refusal {
  return new Refusal(
    'MONGOD_UNAVAILABLE',
    `mongod does not answer: ${messageOf(cause)}; see: kubectl logs <pod> -c mongod`,
    {
      cause,
    },
  );
}
