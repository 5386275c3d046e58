import type { Request } from 'express';
import type { Applicant } from '../passwords/admission.ts';
import type { ClientAddressOf } from '../throttles/client-address.ts';
import type { Email } from '../users/email.ts';
import { hangUpOf } from './hang-up.ts';

/** Whoever sends a password of an account to hash. */
export type ApplicantOf = (request: Request, account: Email) => Applicant;

export function applicants(clientAddressOf: ClientAddressOf): ApplicantOf {
  return (request, account) => ({
    account,
    prefix: clientAddressOf(request).prefix,
    ...(request.res && { signal: hangUpOf(request.res) }),
  });
}
