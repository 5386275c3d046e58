import type { AuthStack } from '../api/auth-stack.ts';
import type { Millis, ObjectRef } from '../runtime/objects.ts';
import type { ReportedEvent } from '../runtime/reconciler.ts';
import type { Server } from './servers.ts';

/** A Secret that should hold a certificate, already read and parsed. */
export type SeenCertificate =
  | { readonly state: 'absent' }
  /** A Secret of that name without the labels of the stack. */
  | { readonly state: 'foreign' }
  | { readonly state: 'malformed'; readonly why: string }
  | { readonly state: 'valid'; readonly notBefore: Millis; readonly notAfter: Millis };

export type SeenAuthority = SeenCertificate;

/** A server certificate of the stack; what it must match is judged while it is read. */
export type SeenServerCertificate =
  | Exclude<SeenCertificate, { state: 'valid' }>
  | {
      readonly state: 'valid';
      readonly notBefore: Millis;
      readonly notAfter: Millis;
      /** Signed by the authority in the stack's Secret, which is also the one that the pods mount. */
      readonly issuedByAuthority: boolean;
      /** Carries exactly the name that clients ask for. */
      readonly hasName: boolean;
    };

/** Everything that the plan depends on, already read. */
export interface CertificatesObservation {
  readonly stack: AuthStack;
  readonly now: Millis;
  readonly authority: SeenAuthority;
  readonly servers: Readonly<Record<Server, SeenServerCertificate>>;
}

export type CertificatesAction =
  | {
      readonly type: 'createAuthority';
      /** The AuthStack. */
      readonly stack: ObjectRef;
      readonly event?: ReportedEvent;
    }
  | {
      readonly type: 'issueServerCertificate';
      /** The AuthStack. */
      readonly stack: ObjectRef;
      readonly server: Server;
      readonly why: IssueReason;
      readonly event?: ReportedEvent;
    };

export type IssueReason = 'Missing' | 'Malformed' | 'OtherAuthority' | 'OtherName' | 'Renewal';

export type CertificatesProblem =
  | 'CertificateAuthorityNotOwned'
  | 'CertificateAuthorityMalformed'
  | 'CertificateAuthorityExpired'
  | 'ServerCertificateNotOwned';

/** Ten years: its pods and consumers would have to follow a new one. */
export const AUTHORITY_LIFE: Millis = 3650 * 86_400_000;
export const SERVER_LIFE: Millis = 90 * 86_400_000;
export const CLIENT_LIFE: Millis = 86_400_000;
