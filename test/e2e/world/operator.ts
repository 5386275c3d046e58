import { eventually } from './eventually.ts';
import { kubectl, list } from './kubectl.ts';

const NAMESPACE = 'authstack-system';
const SELECTOR = 'app.kubernetes.io/name=auth-stack,app.kubernetes.io/component=operator';

/** The operator that the chart installed. */
export const installedOperator = {
  namespace: NAMESPACE,

  async podNames(): Promise<readonly string[]> {
    const pods = await list(NAMESPACE, 'pods', SELECTOR);
    return pods.map(({ metadata }) => metadata.name);
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
