import { planAuthService } from '../auth-service/plan.ts';
import { planCertificates } from '../certificates/plan.ts';
import { planClients } from '../consumers/clients/plan.ts';
import { withClients } from '../consumers/clients/report.ts';
import { planStackConsumers } from '../consumers/summary.ts';
import { planExternalDatabase } from '../external-database/plan.ts';
import { planMongodb } from '../mongodb/plan.ts';
import type { Plan } from '../planning.ts';
import type { Millis } from '../runtime/objects.ts';
import { planSigningKeys } from '../signing-keys/plan.ts';
import { hibernatedOf, readyOf, stalledOf, suspendedOf, withAuthority } from './conditions.ts';
import type { DatabaseObservation, StackObservation, StackPlan } from './types.ts';

/** Joins one plan per feature: certificates → database → keys → auth service → consumers. */
export function planStack(seen: StackObservation): StackPlan {
  const { stack } = seen;
  const { suspend } = stack.spec;
  const asAllowed = <P extends Plan<unknown, unknown>>(plan: P): P => (suspend ? reportOnly(plan) : plan);
  const certificates = asAllowed(planCertificates(seen.certificates));
  const database = asAllowed(planDatabase(seen.database));
  const keys = planSigningKeys(seen.signingKeys);
  // What these two do for a suspended stack they do nevertheless: take a stolen key away, and whoever's consent has ended.
  const signingKeys = keys.actions.length > 0 ? keys : asAllowed(keys);
  const authService = asAllowed(planAuthService(seen.authService));
  const consumers = withClients(asAllowed(planStackConsumers(seen.consumers)), planClients(seen.clients));
  const plans = [certificates, database, signingKeys, authService, consumers];
  const conditions = withAuthority(
    plans.flatMap((plan) => plan.conditions),
    certificates.stalled,
  );
  return {
    foundations: suspend ? [] : authService.foundations.map((action) => ({ feature: 'authService', action }) as const),
    branches: [
      authService.actions.map((action) => ({ feature: 'authService', action }) as const),
      certificates.actions.map((action) => ({ feature: 'certificates', action }) as const),
      consumers.actions.map((action) => ({ feature: 'consumers', action }) as const),
      database.actions.map((action) => ({ feature: 'mongodb', action }) as const),
      signingKeys.actions.map((action) => ({ feature: 'signingKeys', action }) as const),
    ],
    conditions: [
      readyOf(conditions),
      ...conditions,
      stalledOf(plans.map(({ stalled }) => stalled)),
      hibernatedOf(stack),
      suspendedOf(stack),
    ],
    status: {
      issuer: stack.spec.publicURL,
      ...database.status,
      ...signingKeys.status,
      ...consumers.status,
    },
    events: [],
    ...earliest(plans.map(({ recheckAt }) => recheckAt)),
  };
}

function planDatabase(database: DatabaseObservation): ReturnType<typeof planMongodb> {
  return database.type === 'external' ? planExternalDatabase(database.seen) : planMongodb(database.seen);
}

/**
 * The plan of a feature whose stack is suspended: it reports what it observed, and what it would do only as pending. It asks
 * for no pass to follow up on what it does not do, and nothing that was asked for counts as stalled.
 */
function reportOnly<P extends Plan<unknown, unknown>>(plan: P): P {
  const { stalled: _stalled, recheckAt, ...report } = plan;
  const hasSteps = plan.actions.some(isStep);
  return {
    ...report,
    actions: [],
    conditions: plan.conditions.map((condition) =>
      // What is not True may wait for another feature, which does not act either.
      hasSteps || condition.status !== 'True' ? pending(condition) : condition,
    ),
    ...(!hasSteps && recheckAt !== undefined && { recheckAt }),
  } as unknown as P;
}

/** The objects that are to exist are applied in every pass, which writes nothing where they already do. */
function isStep(action: unknown): boolean {
  return (action as { readonly type: string }).type !== 'apply';
}

function pending(condition: Plan<unknown, unknown>['conditions'][number]): typeof condition {
  return { ...condition, message: `${condition.message} (pending: spec.suspend is true)` };
}

function earliest(times: readonly (Millis | undefined)[]): { recheckAt?: Millis } {
  const recheckAt = Math.min(...times.filter((time) => time !== undefined));
  return Number.isFinite(recheckAt) ? { recheckAt } : {};
}
