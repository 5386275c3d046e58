import type { AuthStack } from '../api/auth-stack.ts';
import { performKubernetes } from '../runtime/cluster.ts';
import type { Reconciler } from '../runtime/reconciler.ts';
import { observeStack } from './observe.ts';
import type { StackPorts } from './observe.ts';
import { performStack } from './perform.ts';
import { planStack } from './plan.ts';
import { observeRemoval, planRemoval } from './removal.ts';

/** Keeps one AuthStack as its spec says. Retries, time-outs, status writes and the finalizer belong to the runtime. */
export function createStackReconciler(ports: StackPorts): Reconciler<AuthStack> {
  return {
    async apply(stack, pass) {
      const plan = planStack(await observeStack(stack, ports, pass));
      await performStack(plan, ports, pass);
      return plan;
    },
    async cleanup(stack, pass) {
      const plan = planRemoval(observeRemoval(stack, ports.cluster));
      for (const action of plan.actions) await performKubernetes(action, ports.cluster, pass);
      return plan;
    },
  };
}
