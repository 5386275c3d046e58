import type { IncomingMessage, ServerResponse } from 'node:http';
import { hangUpOf } from '../http/hang-up.ts';
import type { Applicant } from './admission.ts';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Whoever sends a password of an account to hash. */
export type ApplicantOf = (exchange: Exchange, account: string) => Applicant;

export interface ApplicantPorts {
  readonly prefixOf: (request: IncomingMessage) => string;
  /** The account has signed in from the device that asks. */
  readonly isKnownDevice: (request: IncomingMessage, account: string) => boolean;
}

/**
 * Known devices have places apart from strangers, by account as by network: somebody who floods an account, or from its owner's
 * network, does not take the owner's. Not each device by itself: whoever has one account can have any number of them.
 */
export function applicants({ prefixOf, isKnownDevice }: ApplicantPorts): ApplicantOf {
  return ({ request, response }, account) => {
    const flow = isKnownDevice(request, account) ? 'known' : 'stranger';
    return { account: `${flow} ${account}`, prefix: `${flow} ${prefixOf(request)}`, signal: hangUpOf(response) };
  };
}
