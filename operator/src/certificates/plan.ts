import { namesOf } from '../api/names.ts';
import { needsRecheck } from '../api/reasons.ts';
import type { Millis } from '../runtime/objects.ts';
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

/** First an authority that is ours and whole, then what it signs; a private key is never written over. */
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
      `to get a new authority: kubectl -n ${stack.metadata.namespace ?? ''} delete secret ${secret}`,
  );
}

function theAuthorityHasExpired({ stack, authority, now }: CertificatesObservation): CertificatesPlan | undefined {
  if (authority.state !== 'valid' || now < authority.notAfter) return undefined;
  const secret = namesOf(stack.metadata.name).ca;
  return blocked(
    now,
    'CertificateAuthorityExpired',
    `the certificate authority in Secret ${secret} expired on ${new Date(authority.notAfter).toISOString()}; delete it ` +
      `to get a new one: kubectl -n ${stack.metadata.namespace ?? ''} delete secret ${secret}`,
  );
}

function theAgentSecretIsNotOurs({ stack, agent, now }: CertificatesObservation): CertificatesPlan | undefined {
  if (agent.state !== 'foreign') return undefined;
  return blocked(now, 'AgentCertificateNotOwned', foreignSecret(stack, namesOf(stack.metadata.name).agentTls));
}

function thereIsNoAuthority({ stack, authority, agent }: CertificatesObservation): CertificatesPlan | undefined {
  if (authority.state === 'valid') return undefined;
  const isLost = agent.state === 'valid';
  return {
    ...nothing,
    actions: [
      { type: 'createAuthority', stack },
      { type: 'issueAgentCertificate', stack, why: isLost ? 'OtherAuthority' : 'Missing' },
    ],
    ...(isLost && {
      events: [
        {
          type: 'Warning',
          reason: 'CertificateAuthorityLost',
          message: `Secret ${namesOf(stack.metadata.name).ca} was gone; a new authority is made and every certificate issued anew`,
        },
      ],
    }),
  };
}

function theAgentCertificateIsDue({ stack, agent, now }: CertificatesObservation): CertificatesPlan | undefined {
  const why = whyIssue(agent, now);
  return why && { ...nothing, actions: [{ type: 'issueAgentCertificate', stack, why }] };
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
