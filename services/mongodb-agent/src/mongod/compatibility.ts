import type { Document } from 'mongodb';
import { MongoServerError } from 'mongodb';
import type { CompatibilityRequest } from '../api.ts';
import { Refusal, messageOf } from '../errors.ts';
import type { Mongod } from './connection.ts';
import { code, hasCode } from './failures.ts';
import { buildInfoReply } from './replies.ts';

const majority = { w: 'majority', wtimeout: 30_000 };

/**
 * Answers once a majority has it. An interrupted change is continued; a version that is in force already is not written
 * again: mongod then only waits for the majority.
 */
export async function setCompatibility(mongod: Mongod, { version }: CompatibilityRequest): Promise<void> {
  const { version: server } = buildInfoReply.parse(await mongod.command({ buildInfo: 1 }));
  try {
    await mongod.command(compatibilityCommand(server, version), { timeoutMillis: 35_000 });
  } catch (error) {
    throw explain(error, version);
  }
}

export function compatibilityCommand(server: string, version: string): Document {
  const command = { setFeatureCompatibilityVersion: version, writeConcern: majority };
  // 7.0 demands `confirm`, and older servers do not know it.
  return Number(server.split('.')[0]) >= 7 ? { ...command, confirm: true } : command;
}

function explain(error: unknown, version: string): unknown {
  if (!(error instanceof MongoServerError)) return error;
  const what = `feature compatibility version ${version}`;
  const message = hasCode(error, code.writeConcernTimeout, code.maxTimeExpired)
    ? `no majority confirmed ${what} in time; retry`
    : `mongod refuses ${what}: ${messageOf(error)}`;
  return new Refusal('COMPATIBILITY_REFUSED', message, { cause: error });
}
