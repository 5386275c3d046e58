import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf, namespaceOf } from '../api/names.ts';
import { needsRecheck } from '../api/reasons.ts';
import type { Millis, ObjectRef } from '../runtime/objects.ts';
import { LOOK_AGAIN } from '../planning.ts';
import type { Plan, Stalled } from '../planning.ts';
import { foreignSecret } from '../stored/secret.ts';
import { everyServer, secretNameOf } from './servers.ts';
import type {
  CertificatesAction,
  CertificatesObservation,
  CertificatesProblem,
  IssueReason,
  SeenServerCertificate,
} from './types.ts';

type CertificatesPlan = Plan<CertificatesAction, undefined>;
type Rule = (seen: CertificatesObservation) => CertificatesPlan | undefined;

/** First an authority that is ours and valid, then what it signs; a private key is never overwritten. */
const rules: readonly Rule[] = [
  theAuthorityIsNotOurs,
  theAuthorityCannotBeRead,
  theAuthorityHasExpired,
  thereIsNoAuthority,
  aServerSecretIsNotOurs,
  aServerCertificateIsDue,
];

export function planCertificates(seen: CertificatesObservation): CertificatesPlan {
  for (const rule of rules) {
    const plan = rule(seen);
    if (plan) return plan;
  }
  const renewals = everyServer.flatMap((server) => {
    const certificate = seen.servers[server];
    return certificate.state === 'valid' ? [renewalOf(certificate)] : [];
  });
  return { ...nothing, ...(renewals.length > 0 && { recheckAt: Math.min(...renewals) }) };
}

/** Two thirds of a certificate's life: a third is left to notice that renewal fails. */
export function renewalOf({ notBefore, notAfter }: { readonly notBefore: Millis; readonly notAfter: Millis }): Millis {
  return notBefore + Math.floor(((notAfter - notBefore) * 2) / 3);
}

const nothing = { actions: [], conditions: [], status: undefined } as const;

function theAuthorityIsNotOurs({ stack, authority, now }: CertificatesObservation): CertificatesPlan | undefined {
  if (authority.state !== 'foreign') return undefined;
  return blocked(now, 'CertificateAuthorityNotOwned', foreignSecret(stack, namesOf(stack.metadata.name).ca));
}

function theAuthorityCannotBeRead({ stack, authority, now }: CertificatesObservation): CertificatesPlan | undefined {
  if (authority.state !== 'malformed') return undefined;
  const secret = namesOf(stack.metadata.name).ca;
  return blocked(
    now,
    'CertificateAuthorityMalformed',
    `Secret ${secret} holds no usable certificate authority (${authority.why}); restore it from a backup, or delete it ` +
      `to get a new authority: kubectl -n ${namespaceOf(stack)} delete secret ${secret}`,
  );
}

function theAuthorityHasExpired({ stack, authority, now }: CertificatesObservation): CertificatesPlan | undefined {
  if (authority.state !== 'valid' || now < authority.notAfter) return undefined;
  const secret = namesOf(stack.metadata.name).ca;
  return blocked(
    now,
    'CertificateAuthorityExpired',
    `the certificate authority in Secret ${secret} expired on ${new Date(authority.notAfter).toISOString()}; delete it ` +
      `to get a new one: kubectl -n ${namespaceOf(stack)} delete secret ${secret}`,
  );
}

function thereIsNoAuthority(seen: CertificatesObservation): CertificatesPlan | undefined {
  const { stack, authority } = seen;
  if (authority.state === 'valid') return undefined;
  const isLost = everyServer.some((server) => seen.servers[server].state === 'valid');
  const lost = {
    type: 'Warning',
    reason: 'CertificateAuthorityLost',
    message: `Secret ${namesOf(stack.metadata.name).ca} is gone; the operator creates a new authority and issues every certificate again`,
  } as const;
  return {
    ...nothing,
    actions: [{ type: 'createAuthority', stack: refOf(stack), ...(isLost && { event: lost }) }, ...dueIn(seen)],
  };
}

/** What it is for waits; the other certificates do not. */
function aServerSecretIsNotOurs(seen: CertificatesObservation): CertificatesPlan | undefined {
  const { stack, now } = seen;
  const foreign = everyServer.find((server) => seen.servers[server].state === 'foreign');
  if (!foreign) return undefined;
  const message = foreignSecret(stack, secretNameOf(foreign, stack));
  return { ...blocked(now, 'ServerCertificateNotOwned', message), actions: dueIn(seen) };
}

function aServerCertificateIsDue(seen: CertificatesObservation): CertificatesPlan | undefined {
  const actions = dueIn(seen);
  return actions.length > 0 ? { ...nothing, actions } : undefined;
}

function dueIn({ stack, authority, servers, now }: CertificatesObservation): readonly CertificatesAction[] {
  return everyServer.flatMap((server): readonly CertificatesAction[] => {
    const why = whyIssue(servers[server], { hasAuthority: authority.state === 'valid', now });
    return why ? [{ type: 'issueServerCertificate', stack: refOf(stack), server, why }] : [];
  });
}

function refOf(stack: AuthStack): ObjectRef {
  return { namespace: namespaceOf(stack), name: stack.metadata.name };
}

function whyIssue(
  seen: SeenServerCertificate,
  { hasAuthority, now }: { readonly hasAuthority: boolean; readonly now: Millis },
): IssueReason | undefined {
  switch (seen.state) {
    case 'foreign':
      return undefined;
    case 'absent':
      return 'Missing';
    case 'malformed':
      return 'Malformed';
    case 'valid':
      if (!hasAuthority || !seen.issuedByAuthority) return 'OtherAuthority';
      if (!seen.hasName) return 'OtherName';
      return now >= renewalOf(seen) ? 'Renewal' : undefined;
  }
}

function blocked(now: Millis, reason: CertificatesProblem, message: string): CertificatesPlan {
  const stalled: Stalled = { reason, message };
  return { ...nothing, stalled, ...(needsRecheck('Stalled', reason) && { recheckAt: now + LOOK_AGAIN }) };
}
