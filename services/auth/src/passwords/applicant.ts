import type { IncomingMessage, ServerResponse } from 'node:http';
import { hangUpOf } from '../http/hang-up.ts';
import type { Applicant } from './admission.ts';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Whoever sends a password of an account to hash. */
export type ApplicantOf = (exchange: Exchange, account: string) => Applicant;

export function applicants(prefixOf: (request: IncomingMessage) => string): ApplicantOf {
  return ({ request, response }, account) => ({ account, prefix: prefixOf(request), signal: hangUpOf(response) });
}
