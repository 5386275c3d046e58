import { planAuthService } from '../auth-service/plan.ts';
import { planCertificates } from '../certificates/plan.ts';
import { planStackConsumers } from '../consumers/summary.ts';
import { planMongodb } from '../mongodb/plan.ts';
import type { Millis } from '../runtime/objects.ts';
import { planSigningKeys } from '../signing-keys/plan.ts';
import { readyOf, stalledOf } from './conditions.ts';
import type { StackObservation, StackPlan } from './types.ts';

/** Joins one plan per feature: certificates → database → keys → auth service → consumers. */
export function planStack(seen: StackObservation): StackPlan {
  const certificates = planCertificates(seen.certificates);
  const mongodb = planMongodb(seen.mongodb);
  const signingKeys = planSigningKeys(seen.signingKeys);
  const authService = planAuthService(seen.authService);
  const consumers = planStackConsumers(seen.consumers);
  const plans = [certificates, mongodb, signingKeys, authService, consumers];
  const conditions = plans.flatMap((plan) => plan.conditions);
  const whole: StackPlan = {
    foundations: [
      ...certificates.actions.map((action) => ({ feature: 'certificates', action }) as const),
      ...authService.foundations.map((action) => ({ feature: 'authService', action }) as const),
    ],
    branches: [
      mongodb.actions.map((action) => ({ feature: 'mongodb', action }) as const),
      signingKeys.actions.map((action) => ({ feature: 'signingKeys', action }) as const),
      authService.actions.map((action) => ({ feature: 'authService', action }) as const),
    ],
    conditions: [readyOf(conditions), ...conditions, stalledOf(plans.map(({ stalled }) => stalled))],
    status: {
      issuer: seen.certificates.stack.spec.publicURL,
      ...mongodb.status,
      ...signingKeys.status,
      ...consumers.status,
    },
    events: plans.flatMap(({ events = [] }) => events),
    ...earliest(plans.map(({ recheckAt }) => recheckAt)),
  };
  return seen.mongodb.stack.spec.suspend ? reportOnly(whole) : whole;
}

/** What was seen is told; what would be done about it, and the news of that, is not. */
function reportOnly(plan: StackPlan): StackPlan {
  const conditions = plan.conditions.map((condition) =>
    condition.type === 'Ready'
      ? { ...condition, message: `${condition.message}; spec.suspend is true, so the operator changes nothing` }
      : condition,
  );
  return { ...plan, foundations: [], branches: [], events: [], conditions };
}

function earliest(times: readonly (Millis | undefined)[]): { recheckAt?: Millis } {
  const recheckAt = Math.min(...times.filter((time) => time !== undefined));
  return Number.isFinite(recheckAt) ? { recheckAt } : {};
}
