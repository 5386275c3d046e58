import { eventually } from './eventually.ts';
import { get, kubectl, list } from './kubectl.ts';
import { containersOf, crash } from './node.ts';

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

  /** The last line that it logged before its latest restart. */
  async lastLogLine(pod: string): Promise<unknown> {
    const log = await kubectl(['-n', NAMESPACE, 'logs', pod, '--previous', '--tail=1']);
    return JSON.parse(log) as unknown;
  },

  /** Suspends every process of the pod, as a node without CPU time does; disposing resumes it. */
  async freeze(pod: string): Promise<AsyncDisposable & { thaw(): Promise<void> }> {
    const containers = await containersOf(await get(NAMESPACE, 'pod', pod));
    if (containers.count === 0) throw new Error(`no container of ${NAMESPACE}/${pod} runs`);
    await containers.act('pause');
    let isFrozen = true;
    const thaw = async (): Promise<void> => {
      if (!isFrozen) return;
      isFrozen = false;
      await containers.act('resume');
    };
    return { thaw, [Symbol.asyncDispose]: thaw };
  },

  /** With SIGKILL, whatever it is doing; the kubelet restarts it. */
  async crash(): Promise<void> {
    for (const pod of await list(NAMESPACE, 'pods', SELECTOR)) await crash(pod);
  },

  /** Deletes its pods without grace, and waits until others have replaced them. */
  async kill(): Promise<void> {
    const killed = await installedOperator.podNames();
    if (killed.length === 0) throw new Error(`no pod in ${NAMESPACE} matches ${SELECTOR}`);
    await kubectl(['-n', NAMESPACE, 'delete', 'pod', ...killed, '--force', '--grace-period=0', '--wait=false']);
    await eventually(
      async () => {
        const now = await installedOperator.podNames();
        if (now.length === 0 || now.some((name) => killed.includes(name))) {
          throw new Error('the operator has no new pod yet');
        }
      },
      { within: 30 },
    );
  },
};
