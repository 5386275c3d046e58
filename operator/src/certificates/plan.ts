import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf, namespaceOf } from '../api/names.ts';
import { needsRecheck } from '../api/reasons.ts';
import type { Millis, ObjectRef } from '../runtime/objects.ts';
import { LOOK_AGAIN } from '../planning.ts';
import type { Plan, Stalled } from '../planning.ts';
import { foreignSecret } from '../stored/secret.ts';
import type {
  AgentCertificateReason,
  CertificatesAction,
  CertificatesObservation,
  CertificatesProblem,
  SeenServerCertificate,
} from './types.ts';

type CertificatesPlan = Plan<CertificatesAction, undefined>;
type Rule = (seen: CertificatesObservation) => CertificatesPlan | undefined;

/** First an authority that is ours and valid, then what it signs; a private key is never overwritten. */
const rules: readonly Rule[] = [
  theAuthorityIsNotOurs,
  theAuthorityCannotBeRead,
  theAuthorityHasExpired,
  theAgentSecretIsNotOurs,
  thereIsNoAuthority,
  theAgentCertificateIsDue,
];

export function planCertificates(seen: CertificatesObservation): CertificatesPlan {
  for (const rule of rules) {
    const plan = rule(seen);
    if (plan) return plan;
  }
  return { ...nothing, ...(seen.agent.state === 'valid' && { recheckAt: renewalOf(seen.agent) }) };
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

function theAgentSecretIsNotOurs({ stack, agent, now }: CertificatesObservation): CertificatesPlan | undefined {
  if (agent.state !== 'foreign') return undefined;
  return blocked(now, 'AgentCertificateNotOwned', foreignSecret(stack, namesOf(stack.metadata.name).agentTls));
}

function thereIsNoAuthority({ stack, authority, agent }: CertificatesObservation): CertificatesPlan | undefined {
  if (authority.state === 'valid') return undefined;
  const isLost = agent.state === 'valid';
  const lost = {
    type: 'Warning',
    reason: 'CertificateAuthorityLost',
    message: `Secret ${namesOf(stack.metadata.name).ca} is gone; the operator creates a new authority and issues every certificate again`,
  } as const;
  return {
    ...nothing,
    actions: [
      { type: 'createAuthority', stack: refOf(stack), ...(isLost && { event: lost }) },
      { type: 'issueAgentCertificate', stack: refOf(stack), why: isLost ? 'OtherAuthority' : 'Missing' },
    ],
  };
}

function theAgentCertificateIsDue({ stack, agent, now }: CertificatesObservation): CertificatesPlan | undefined {
  const why = whyIssue(agent, now);
  return why && { ...nothing, actions: [{ type: 'issueAgentCertificate', stack: refOf(stack), why }] };
}

function refOf(stack: AuthStack): ObjectRef {
  return { namespace: namespaceOf(stack), name: stack.metadata.name };
}

function whyIssue(agent: SeenServerCertificate, now: Millis): AgentCertificateReason | undefined {
  if (agent.state !== 'valid') return agent.state === 'malformed' ? 'Malformed' : 'Missing';
  if (!agent.issuedByAuthority) return 'OtherAuthority';
  if (!agent.hasName) return 'OtherName';
  return now >= renewalOf(agent) ? 'Renewal' : undefined;
}

function blocked(now: Millis, reason: CertificatesProblem, message: string): CertificatesPlan {
  const stalled: Stalled = { reason, message };
  return { ...nothing, stalled, ...(needsRecheck('Stalled', reason) && { recheckAt: now + LOOK_AGAIN }) };
}
