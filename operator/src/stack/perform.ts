import { performAuthService } from '../auth-service/apply.ts';
import { performCertificates } from '../certificates/apply.ts';
import { performMongodb } from '../mongodb/apply.ts';
import { unreachable } from '../runtime/objects.ts';
import { performSigningKeys } from '../signing-keys/apply.ts';
import type { Pass } from '../runtime/reconciler.ts';
import type { StackPorts } from './observe.ts';
import type { StackAction, StackPlan } from './types.ts';

export async function performStack(plan: StackPlan, ports: StackPorts, pass: Pass): Promise<void> {
  for (const action of plan.foundations) await perform(action, ports, pass);
  const failures: unknown[] = [];
  for (const branch of plan.branches) {
    try {
      for (const action of branch) await perform(action, ports, pass);
    } catch (error) {
      pass.signal.throwIfAborted();
      failures.push(error);
    }
  }
  // Thrown after all branches had their turn: a database that cannot be reached must not stop the keys.
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join('; '));
}

function perform({ feature, action }: StackAction, ports: StackPorts, pass: Pass): Promise<void> {
  switch (feature) {
    case 'certificates':
      return performCertificates(action, ports, pass);
    case 'mongodb':
      return performMongodb(action, ports, pass);
    case 'signingKeys':
      return performSigningKeys(action, ports, pass);
    case 'authService':
      return performAuthService(action, ports, pass);
    default:
      return unreachable(feature);
  }
}
