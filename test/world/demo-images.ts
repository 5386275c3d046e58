import { kubectl } from './kubectl.ts';

/** The image of a Deployment of the demo: `make up` built it and loaded it into the nodes. */
export async function imageOfDemo(deployment: 'orders' | 'gateway'): Promise<string> {
  const found = ['-n', 'shop', 'get', 'deployment', deployment, '-o'];
  return kubectl([...found, 'jsonpath={.spec.template.spec.containers[0].image}']);
}
