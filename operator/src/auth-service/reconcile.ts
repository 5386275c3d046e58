import { authStackSchemaError } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { knownAuthPods, observeReachability } from '../auth-pods/observe.ts';
import type { AuthPodProber } from '../auth-pods/prober.ts';
import { performKubernetes } from '../runtime/cluster.ts';
import type { Cluster } from '../runtime/cluster.ts';
import type { Outcome, Reconciler, ReportedEvent } from '../runtime/reconciler.ts';
import { planServing } from './serving.ts';

export interface ServingPorts {
  readonly cluster: Cluster;
  readonly authPodProber: AuthPodProber;
}

const nothing: Outcome = { conditions: [] };

/**
 * Takes pods of the auth service out of their Service and puts them back, in passes of its own. A stack's other pass asks the
 * agents of its members, some of them on the node that has just died with the auth pod; this one asks nobody. What it does is
 * reported by the other one.
 */
export function createServingReconciler({ cluster, authPodProber }: ServingPorts): Reconciler<AuthStack> {
  return {
    refuse: (stack) => (stack.spec.suspend || authStackSchemaError(stack) !== undefined ? nothing : undefined),
    async apply(stack, pass) {
      const pods = observeReachability({ authPods: knownAuthPods(stack, cluster), authPodProber });
      const { actions, again } = planServing(stack, pods);
      const events: ReportedEvent[] = [];
      const failures: unknown[] = [];
      for (const action of actions) {
        try {
          const performed = await performKubernetes(action, cluster, pass);
          if (action.event && performed !== 'overtaken') events.push(action.event);
        } catch (failure) {
          failures.push(failure);
        }
      }
      const [failure] = failures;
      return {
        ...nothing,
        events,
        ...(again !== undefined && { recheckAt: pass.now + again }),
        ...(failure !== undefined && { failure }),
      };
    },
  };
}
