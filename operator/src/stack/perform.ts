import { performAuthService } from '../auth-service/apply.ts';
import { performCertificates } from '../certificates/apply.ts';
import { performMongodb } from '../mongodb/apply.ts';
import type { Performed } from '../runtime/cluster.ts';
import { unreachable } from '../runtime/objects.ts';
import { performSigningKeys } from '../signing-keys/apply.ts';
import type { Pass, ReportedEvent } from '../runtime/reconciler.ts';
import type { StackPorts } from './observe.ts';
import type { StackAction, StackPlan } from './types.ts';

/** What came of the actions of a plan. */
export interface StackOutcome {
  /** Of the actions that were done, and of no other. */
  readonly events: readonly ReportedEvent[];
  /** Thrown by the pass, once the report of what was observed is written. */
  readonly failure?: unknown;
}

export async function performStack(plan: StackPlan, ports: StackPorts, pass: Pass): Promise<StackOutcome> {
  const events: ReportedEvent[] = [];
  const failures: unknown[] = [];
  const inOrder = async (actions: readonly StackAction[]): Promise<void> => {
    try {
      for (const action of actions) {
        const performed = await perform(action, ports, pass);
        const { event } = action.action as { readonly event?: ReportedEvent };
        if (event && performed !== 'overtaken') events.push(event);
      }
    } catch (error) {
      failures.push(error);
    }
  };
  await inOrder(plan.foundations);
  // A database that cannot be reached must not stop the keys.
  const branches = failures.length === 0 ? plan.branches : [];
  for (const branch of branches) if (!pass.signal.aborted) await inOrder(branch);
  if (failures.length === 0) return { events };
  const failure = failures.length === 1 ? failures[0] : new AggregateError(failures, failures.map(String).join('; '));
  return { events, failure };
}

async function perform({ feature, action }: StackAction, ports: StackPorts, pass: Pass): Promise<Performed> {
  switch (feature) {
    case 'certificates':
      await performCertificates(action, ports, pass);
      return 'done';
    case 'mongodb':
      return performMongodb(action, ports, pass);
    case 'signingKeys':
      return performSigningKeys(action, ports, pass);
    case 'authService':
      await performAuthService(action, ports, pass);
      return 'done';
    default:
      return unreachable(feature);
  }
}
