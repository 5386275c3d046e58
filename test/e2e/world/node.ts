import { docker } from '../../../cluster/docker.ts';

/** Runs a command on a node of the cluster, as root; answers what it printed. */
export async function onNode(node: string, command: readonly string[]): Promise<string> {
  return (await docker(['exec', node, ...command])).trim();
}

/** Names of the containers of a pod that run, as containerd knows them. */
export async function containersOf(node: string, podUid: string): Promise<readonly string[]> {
  const filter = `labels."io.kubernetes.pod.uid"==${podUid},labels."io.cri-containerd.kind"==container`;
  const listed = await onNode(node, ['ctr', '--namespace', 'k8s.io', 'containers', 'list', '--quiet', filter]);
  const tasks = await onNode(node, ['ctr', '--namespace', 'k8s.io', 'tasks', 'list']);
  return listed.split('\n').filter((name) => name !== '' && new RegExp(`^${name}\\s.*RUNNING`, 'm').test(tasks));
}
