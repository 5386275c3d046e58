import { authStackSchemaError } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { namespaceOf } from '../api/names.ts';
import { performKubernetes } from '../runtime/cluster.ts';
import type { Outcome, Reconciler } from '../runtime/reconciler.ts';
import { observeStack } from './observe.ts';
import type { StackPorts } from './observe.ts';
import { performStack } from './perform.ts';
import { planStack } from './plan.ts';
import { withRefusals } from './refusals.ts';
import { observeRemoval, planRemoval } from './removal.ts';

/** Keeps one AuthStack as its spec says. Retries, time-outs, status writes and the finalizer belong to the runtime. */
export function createStackReconciler(ports: StackPorts): Reconciler<AuthStack> {
  return {
    refuse: refuseInvalidSpec,
    async apply(stack, pass) {
      const plan = planStack(await observeStack(stack, ports, pass));
      const { events, refusals, failure } = await performStack(plan, ports, pass);
      const report = withRefusals(plan, refusals, { stack, now: pass.now });
      return { ...report, events: [...report.events, ...events], ...(failure !== undefined && { failure }) };
    },
    async cleanup(stack, pass) {
      const plan = planRemoval(observeRemoval(stack, ports.cluster));
      try {
        for (const action of plan.actions) await performKubernetes(action, ports.cluster, pass);
        return plan;
      } catch (failure) {
        return { ...plan, failure };
      }
    },
  };
}

function refuseInvalidSpec(stack: AuthStack): Outcome | undefined {
  const schemaError = authStackSchemaError(stack);
  if (schemaError === undefined) return undefined;
  const way = `kubectl -n ${namespaceOf(stack)} edit authstack ${stack.metadata.name}`;
  const message = `${schemaError}. Correct it: ${way}; until then the operator changes nothing, and what runs continues to run`;
  return {
    conditions: [
      { type: 'Ready', status: 'False', reason: 'SpecInvalid', message },
      { type: 'Stalled', status: 'True', reason: 'SpecInvalid', message },
    ],
    events: [{ type: 'Warning', reason: 'SpecInvalid', message }],
  };
}
