import { planAuthService } from '../auth-service/plan.ts';
import { planCertificates } from '../certificates/plan.ts';
import { planStackConsumers } from '../consumers/summary.ts';
import { planExternalDatabase } from '../external-database/plan.ts';
import { planMongodb } from '../mongodb/plan.ts';
import type { Millis } from '../runtime/objects.ts';
import { planSigningKeys } from '../signing-keys/plan.ts';
import { readyOf, stalledOf } from './conditions.ts';
import type { DatabaseObservation, StackObservation, StackPlan } from './types.ts';

/** Joins one plan per feature: certificates → database → keys → auth service → consumers. */
export function planStack(seen: StackObservation): StackPlan {
  const certificates = planCertificates(seen.certificates);
  const database = planDatabase(seen.database);
  const signingKeys = planSigningKeys(seen.signingKeys);
  const authService = planAuthService(seen.authService);
  const consumers = planStackConsumers(seen.consumers);
  const plans = [certificates, database, signingKeys, authService, consumers];
  const conditions = plans.flatMap((plan) => plan.conditions);
  const whole: StackPlan = {
    foundations: [
      ...certificates.actions.map((action) => ({ feature: 'certificates', action }) as const),
      ...authService.foundations.map((action) => ({ feature: 'authService', action }) as const),
    ],
    branches: [
      database.actions.map((action) => ({ feature: 'mongodb', action }) as const),
      signingKeys.actions.map((action) => ({ feature: 'signingKeys', action }) as const),
      authService.actions.map((action) => ({ feature: 'authService', action }) as const),
    ],
    conditions: [readyOf(conditions), ...conditions, stalledOf(plans.map(({ stalled }) => stalled))],
    status: {
      issuer: seen.stack.spec.publicURL,
      ...database.status,
      ...signingKeys.status,
      ...consumers.status,
    },
    events: plans.flatMap(({ events = [] }) => events),
    ...earliest(plans.map(({ recheckAt }) => recheckAt)),
  };
  return seen.stack.spec.suspend ? reportOnly(whole) : whole;
}

function planDatabase(database: DatabaseObservation): ReturnType<typeof planMongodb> {
  return database.type === 'external' ? planExternalDatabase(database.seen) : planMongodb(database.seen);
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
