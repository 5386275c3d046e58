import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Images } from './chart.ts';
import { address, kubectl } from './kind.ts';
import { publicImages } from './versions.ts';

const examples = join(import.meta.dirname, '../examples');

/** The publicURL of the stack in the examples. */
export const EXAMPLE_ORIGIN = 'http://localhost:8080';

/**
 * Applies the examples one after the other, with this cluster's images and address in them. The shop is applied once the
 * stack is ready: kubelet retries a pod whose Secret does not exist yet only after up to two minutes.
 */
export async function makeDemo({ products, thirdParty }: Images, report: (progress: string) => void): Promise<void> {
  const apply = async (name: string): Promise<void> => {
    const text = await readFile(join(examples, name), 'utf8');
    const here = text
      .replaceAll(EXAMPLE_ORIGIN, address)
      .replaceAll('authstack/orders:dev', products.orders)
      .replaceAll(publicImages.nginx, thirdParty.nginx);
    await kubectl(['apply', '-f', '-'], here);
  };
  await apply('demo.yaml');
  await untilReady(report);
  await apply('orders.yaml');
  await apply('gateway.yaml');
  for (const name of ['orders', 'gateway']) {
    await rollOut(name);
  }
}

/** Waits for a Deployment of the shop; an error shows its pods and the last lines of their logs. */
async function rollOut(name: string): Promise<void> {
  const shop = ['-n', 'shop'];
  try {
    await kubectl([...shop, 'rollout', 'status', `deployment/${name}`, '--timeout=120s']);
  } catch (cause) {
    const ask = async (args: readonly string[]): Promise<string> => kubectl([...shop, ...args]).catch(String);
    const pods = await ask(['get', 'pods', '-l', `app.kubernetes.io/name=${name}`]);
    const logs = await ask(['logs', `deployment/${name}`, '--tail=5']);
    const message = `Deployment shop/${name} is not available after 120 s\n${pods}${logs}`;
    throw new Error(`${message}Run: kubectl -n shop describe pods -l app.kubernetes.io/name=${name}`, {
      cause,
    });
  }
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

const READY_WITHIN_SECONDS = 300;

/** Waits for the AuthStack, and reports each change of its Ready condition. */
async function untilReady(report: (progress: string) => void): Promise<void> {
  const end = performance.now() + READY_WITHIN_SECONDS * 1000;
  let last = '';
  for (;;) {
    const ready = await readyCondition();
    if (ready?.status === 'True') return;
    const progress = ready ? `${ready.reason}: ${ready.message}` : 'not evaluated yet';
    if (progress !== last) report(progress);
    last = progress;
    if (performance.now() > end) {
      throw new Error(
        `AuthStack auth/demo is not Ready after ${READY_WITHIN_SECONDS} s: ${last}\n` +
          'Run: kubectl -n auth describe authstack demo; kubectl -n auth get pods; ' +
          'kubectl -n authstack-system logs deployment/auth-stack',
      );
    }
    await pause(1_000);
  }
}

async function readyCondition(): Promise<Condition | undefined> {
  const found = await kubectl(['-n', 'auth', 'get', 'authstack', 'demo', '-o', 'json']);
  const { status } = JSON.parse(found) as { status?: { conditions?: Condition[] } };
  return status?.conditions?.find(({ type }) => type === 'Ready');
}
