import { eventually } from './eventually.ts';
import { get, kubectl, list } from './kubectl.ts';
import { containersOf, onNode } from './node.ts';

const NAMESPACE = 'authstack-system';
const SELECTOR = 'app.kubernetes.io/name=auth-stack,app.kubernetes.io/component=operator';

/** The operator that the chart installed. */
export const installedOperator = {
  namespace: NAMESPACE,

  async podNames(): Promise<readonly string[]> {
    const pods = await list(NAMESPACE, 'pods', SELECTOR);
    return pods.map(({ metadata }) => metadata.name);
  },

  /** Name of the pod that holds the lease. */
  async leader(): Promise<string> {
    const { spec } = await get(NAMESPACE, 'lease', 'auth-stack');
    const { holderIdentity } = (spec ?? {}) as { holderIdentity?: string };
    if (holderIdentity === undefined || holderIdentity === '') throw new Error('nobody holds the lease auth-stack');
    return holderIdentity;
  },

  async restartsOf(pod: string): Promise<number> {
    const { status } = await get(NAMESPACE, 'pod', pod);
    const { containerStatuses = [] } = (status ?? {}) as { containerStatuses?: { restartCount: number }[] };
    return containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
  },

  /** Stops every process of the pod where it stands, as a node without CPU time does; disposing thaws what is left. */
  async freeze(pod: string): Promise<AsyncDisposable & { thaw(): Promise<void> }> {
    const { metadata, spec } = await get(NAMESPACE, 'pod', pod);
    const { nodeName } = spec as { nodeName: string };
    const containers = await containersOf(nodeName, metadata.uid);
    if (containers.length === 0) throw new Error(`no container of ${NAMESPACE}/${pod} runs on ${nodeName}`);
    const task = async (act: 'pause' | 'resume'): Promise<void> => {
      for (const name of containers) await onNode(nodeName, ['ctr', '--namespace', 'k8s.io', 'tasks', act, name]);
    };
    await task('pause');
    let isFrozen = true;
    const thaw = async (): Promise<void> => {
      if (!isFrozen) return;
      isFrozen = false;
      await task('resume');
    };
    return { thaw, [Symbol.asyncDispose]: thaw };
  },

  /** Kills its pods as a dying node does, and waits until others have taken their place. */
  async kill(): Promise<void> {
    const killed = await installedOperator.podNames();
    if (killed.length === 0) throw new Error(`no pod in ${NAMESPACE} matches ${SELECTOR}`);
    await kubectl(['-n', NAMESPACE, 'delete', 'pod', ...killed, '--force', '--grace-period=0', '--wait=false']);
    await eventually(
      async () => {
        const now = await installedOperator.podNames();
        if (now.length === 0 || now.some((name) => killed.includes(name))) {
          throw new Error('the operator is still gone');
        }
      },
      { within: 30 },
    );
  },
};
