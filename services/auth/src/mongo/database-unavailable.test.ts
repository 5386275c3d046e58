import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { mongo } from 'mongoose';
import { asUnavailable, DatabaseUnavailable, NotConnected } from './database-unavailable.ts';

const answered = (code: number, labels: readonly string[] = []) =>
  new mongo.MongoServerError({ message: `code ${code}`, code, errorLabels: [...labels] });

const broken = (code: string) => Object.assign(new Error('This socket has been ended by the other party'), { code });
const ofAnotherRealm = (code: string) => runInNewContext('Object.assign(new Error(), { code })', { code }) as Error;

test.each([
  ['a request that took too long', new NotConnected('the database did not answer within 10000 ms')],
  ['a connection that broke', new mongo.MongoNetworkError('read ECONNRESET')],
  ['a socket that was ended while the driver wrote', broken('EPIPE')],
  ['one that Node itself reports, in its own realm', ofAnotherRealm('EPIPE')],
  ['a socket that was reset', broken('ECONNRESET')],
  ['a socket that was destroyed', broken('ERR_STREAM_DESTROYED')],
  // The driver's error when the server chosen for a second try is lost before it is used.
  ['a server lost', new mongo.MongoUnexpectedServerResponseError('Selected server does not support retryable writes')],
  ['a server that left the set', new mongo.MongoServerClosedError('Server is closed')],
  ['a pool closed or exhausted', new mongo.MongoDriverError('Attempted to check out a connection from closed pool')],
  ['a session of a client that was replaced', new mongo.MongoExpiredSessionError()],
  ['NotWritablePrimary', answered(10107)],
  ['PrimarySteppedDown', answered(189)],
  ['Interrupted', answered(11_601)],
  ['any code that may be tried again', answered(1, ['RetryableWriteError'])],
  ['any code of a transaction that may be tried again', answered(1, ['TransientTransactionError'])],
])('%s passes by itself', (_, error) => {
  const seen = asUnavailable(error);
  expect(seen).toBeInstanceOf(DatabaseUnavailable);
  expect(seen).toMatchObject({ cause: error, code: 'DATABASE_UNAVAILABLE' });
});

test('a socket that breaks during a commit passes by itself', async () => {
  await using client = new mongo.MongoClient('mongodb://127.0.0.1:1/');
  const session = client.startSession();
  session.commitTransaction = () => Promise.reject(broken('EPIPE'));
  const committing = session.withTransaction(() => Promise.resolve());
  await expect(committing.catch(asUnavailable)).resolves.toBeInstanceOf(DatabaseUnavailable);
});

test.each([
  ['a duplicate key', answered(11_000)],
  ['a document that breaks a rule', answered(121)],
  ['a wrong call', new mongo.MongoInvalidArgumentError('no')],
  ['a transaction used wrongly', new mongo.MongoTransactionError('Transaction already in progress')],
  ['a fault of ours', new TypeError('undefined is no function')],
  ['a fault of ours that has a code', Object.assign(new Error('no'), { code: 'ERR_INVALID_ARG_TYPE' })],
])('%s does not', (_, error) => {
  expect(asUnavailable(error)).toBe(error);
});
