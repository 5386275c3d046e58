import { performAuthService } from '../auth-service/apply.ts';
import { performCertificates } from '../certificates/apply.ts';
import { performMongodb } from '../mongodb/apply.ts';
import { performClients } from '../consumers/clients/apply.ts';
import type { Performed } from '../runtime/cluster.ts';
import { isForbidden } from '../runtime/failure.ts';
import { unreachable } from '../runtime/objects.ts';
import { performSigningKeys } from '../signing-keys/apply.ts';
import type { Pass, ReportedEvent } from '../runtime/reconciler.ts';
import type { StackPorts } from './observe.ts';
import { refusalOf } from './refusals.ts';
import type { Refusal } from './refusals.ts';
import type { StackAction, StackPlan } from './types.ts';

/** What came of the actions of a plan. */
export interface StackOutcome {
  /** Of the actions that were done, and of no other. */
  readonly events: readonly ReportedEvent[];
  /** Objects that the API server refuses for good. */
  readonly refusals: readonly Refusal[];
  /** Thrown by the pass, once the report of what was observed is written. */
  readonly failure?: unknown;
}

export async function performStack(plan: StackPlan, ports: StackPorts, pass: Pass): Promise<StackOutcome> {
  const events: ReportedEvent[] = [];
  const refusals: Refusal[] = [];
  const failures: unknown[] = [];
  const tried = async (action: StackAction): Promise<'done' | 'refused'> => {
    try {
      const performed = await perform(action, ports, pass);
      const { event } = action.action as { readonly event?: ReportedEvent };
      if (event && performed !== 'overtaken') events.push(event);
      return 'done';
    } catch (error) {
      const refusal = refusalOf(action, error);
      if (refusal) refusals.push(refusal);
      else failures.push(error);
      if (refusal ?? isForbidden(error)) return 'refused';
      throw error;
    }
  };
  const inOrder = async (actions: readonly StackAction[]): Promise<void> => {
    let isRefused = false;
    try {
      for (const action of actions) {
        // No applied object waits for another one; what is more than an object may need all that come before it.
        if (isRefused && action.action.type !== 'apply') continue;
        if ((await tried(action)) === 'refused') isRefused = true;
      }
    } catch {
      // Noted already: it ends this list and no other.
    }
  };
  await inOrder(plan.foundations);
  // A database that cannot be reached must not stop the keys.
  const branches = failures.length + refusals.length === 0 ? plan.branches : [];
  for (const branch of branches) if (!pass.signal.aborted) await inOrder(branch);
  if (failures.length === 0) return { events, refusals };
  const failure = failures.length === 1 ? failures[0] : new AggregateError(failures, failures.map(String).join('; '));
  return { events, refusals, failure };
}

async function perform({ feature, action }: StackAction, ports: StackPorts, pass: Pass): Promise<Performed> {
  switch (feature) {
    case 'certificates':
      return performCertificates(action, ports, pass);
    case 'mongodb':
      return performMongodb(action, ports, pass);
    case 'signingKeys':
      return performSigningKeys(action, ports, pass);
    case 'authService':
      return performAuthService(action, ports, pass);
    case 'consumers':
      return performClients(action, ports, pass);
    default:
      return unreachable(feature);
  }
}
