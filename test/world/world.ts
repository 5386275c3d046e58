import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { apply, kubectl } from './kubectl.ts';
import { KeySetReader } from './key-set-reader.ts';
import { Shop } from './shop.ts';
import type { ShopOptions } from './shop.ts';
import { Stack } from './stack.ts';
import type { StackOptions } from './stack.ts';

/** Variable that names the file of what scenarios note, a line of JSON each. */
export const NOTES_FILE = 'E2E_NOTES';

const artifacts = join(import.meta.dirname, '../../artifacts');

/** What one scenario made in the cluster; all of it is deleted when the scenario ends. */
export class World {
  private readonly namespaces: string[] = [];
  private readonly scenario: string;

  constructor(scenario: string) {
    this.scenario = scenario;
  }

  /** What was measured, for whoever looks on, and for the page that `make e2e-full` writes. */
  note(measured: object): void {
    process.stderr.write(`    ${JSON.stringify(measured)}\n`);
    const file = process.env[NOTES_FILE];
    if (file !== undefined) appendFileSync(file, `${JSON.stringify({ scenario: this.scenario, measured })}\n`);
  }

  async createStack(options: StackOptions = {}): Promise<Stack> {
    const stack = new Stack({ namespace: await this.namespace(), name: 'main' }, options);
    await stack.create();
    return stack;
  }

  /** A namespace of its own, under the strictest Pod Security there is. */
  async namespace(name = `e2e-${randomBytes(3).toString('hex')}`, labels: Readonly<Record<string, string>> = {}) {
    await apply({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted', ...labels } },
    });
    this.namespaces.push(name);
    return name;
  }

  /** The orders service, in a namespace of its own that the stack trusts. */
  async openShop(stack: Stack, { name = 'shop', feed = true }: ShopOptions = {}): Promise<Shop> {
    const namespace = await this.namespace(`${stack.namespace}-${name}`, { 'e2e/consumes': stack.namespace });
    const shop = new Shop(namespace, stack, { name, feed });
    await shop.open();
    return shop;
  }

  /** A service that is none of ours, in a namespace that has nothing to do with the stack. */
  async openKeySetReader(stack: Stack): Promise<KeySetReader> {
    const reader = new KeySetReader(await this.namespace(`${stack.namespace}-reader`), stack);
    await reader.open();
    return reader;
  }

  /** Stores objects, events and logs of everything the scenario made. Answers where, and what its pods complained of last. */
  async explain(name: string): Promise<string> {
    const folder = join(artifacts, name.replaceAll(/[^a-z0-9]+/gi, '-'));
    const complaints: string[] = [];
    await mkdir(folder, { recursive: true });
    for (const namespace of [...this.namespaces, 'authstack-system']) {
      const kinds = 'authstacks,authconsumers,statefulsets,deployments,pods,pvc,services';
      const commands = {
        'objects.yaml': ['get', kinds, '-o', 'yaml'],
        'pods.txt': ['get', 'pods', '-o', 'wide'],
        'events.txt': ['get', 'events', '--sort-by=.lastTimestamp'],
        'describe.txt': ['describe', 'pods'],
      };
      for (const [file, args] of Object.entries(commands)) {
        await writeFile(join(folder, `${namespace}-${file}`), await attempt(['-n', namespace, ...args]));
      }
      const pods = await attempt(['-n', namespace, 'get', 'pods', '-o', 'name']);
      for (const pod of pods.split('\n').filter((line) => line.startsWith('pod/'))) {
        const logs = await attempt(['-n', namespace, 'logs', pod, '--all-containers', '--tail=400', '--prefix']);
        await writeFile(join(folder, `${namespace}-${pod.slice(4)}.log`), logs);
        if (this.namespaces.includes(namespace)) complaints.push(...complaintsOf(logs));
      }
    }
    return [folder, ...complaints].join('\n');
  }

  async clear(): Promise<void> {
    for (const namespace of this.namespaces.reverse()) {
      const stacks = ['-n', namespace, 'delete', 'authstacks,authconsumers', '--all', '--timeout=120s'];
      await kubectl([...stacks, '--ignore-not-found']);
      await kubectl(['delete', 'namespace', namespace, '--wait=false', '--ignore-not-found']);
    }
  }
}

/** Lines of a pod at a level above info, and of mongod about elections and sources: the last few, for a log that keeps no artifacts. */
function complaintsOf(logs: string): readonly string[] {
  const telling = /"level":"(warn|error|fatal)"|"s":"[WEF]"|"c":"ELECTION"|enylist|Changed sync source|"status":5\d\d/;
  const lines = logs.split('\n').filter((line) => telling.test(line));
  return lines.slice(-8).map((line) => line.slice(0, 400));
}

function attempt(args: readonly string[]): Promise<string> {
  return kubectl(args).catch((error: unknown) => String(error));
}
