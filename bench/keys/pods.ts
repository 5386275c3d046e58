import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { authContract, variables } from '../../services/auth/src/api.ts';
import { bytesOf } from '../../operator/src/api/quantity.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import { systemClock } from '../../operator/src/runtime/clock.ts';
import { podKind } from '../../operator/src/runtime/core-kinds.ts';
import type { Pod, Secret } from '../../operator/src/runtime/core-kinds.ts';
import { silent } from '../../operator/src/runtime/log.ts';
import { objectPath } from '../../operator/src/runtime/paths.ts';
import { runReflector } from '../../operator/src/runtime/reflector.ts';
import { Store } from '../../operator/src/runtime/store.ts';
import { startServer } from '../../test/support/processes.ts';
import { runningStatus } from '../../test/sweep/pod-status.ts';
import { sendExpecting } from '../auth/http-client.ts';
import type { Image } from '../image.ts';
import { mountOf } from './mounts.ts';
import type { FollowingMount, Item } from './mounts.ts';

/** A pod of the auth service: the program of the image with what its Pod object says. */
export interface AuthPod {
  readonly name: string;
  readonly address: string;
  readonly pid: number;
  /** That its Pod object allows. */
  readonly memoryLimitMiB: number;
  /** In Prometheus' text format. */
  metrics(): Promise<string>;
}

export interface PodsOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly image: Image;
  readonly folder: string;
  readonly secrets: Store<Secret>;
  readonly mountsAfter: number;
}

interface AuthPodObject extends Pod {
  readonly spec: Pod['spec'] & {
    readonly containers: readonly {
      readonly env: readonly { readonly name: string; readonly value: string }[];
      readonly resources: { readonly limits: { readonly memory: string } };
    }[];
    readonly volumes: readonly {
      readonly name: string;
      readonly secret?: { readonly secretName: string; readonly items?: readonly Item[] };
    }[];
  };
}

/** Of the mounts in a pod, as the operator writes it. */
const ROOT = '/etc/authstack';

/**
 * Does for the auth pods of one namespace what scheduler and kubelet would, once for each: their Secrets are mounted, they run, and are
 * ready once they say so. None of them ends before all do.
 */
export class Pods implements AsyncDisposable {
  private readonly options: PodsOptions;
  private readonly objects: Store<AuthPodObject> = new Store();
  private readonly stop: AbortController = new AbortController();
  private readonly resources: AsyncDisposableStack = new AsyncDisposableStack();
  private readonly started: Promise<AuthPod>[] = [];
  private readonly watching: Promise<void>;

  constructor(options: PodsOptions) {
    this.options = options;
    this.objects.onChange(({ before, after }) => {
      if (before || !after) return;
      const pod = this.start(after, `127.90.0.${this.started.length + 1}`);
      // Whoever asks for the pods is told.
      pod.catch(() => undefined);
      this.started.push(pod);
    });
    const { client, namespace } = options;
    const watched = { client, kind: podKind, namespace, store: this.objects as unknown as Store<Pod> };
    this.watching = runReflector({ ...watched, clock: systemClock, log: silent }, this.stop.signal, () => undefined);
  }

  /** That many, as soon as they are ready. */
  async ready(count: number): Promise<readonly AuthPod[]> {
    while (this.started.length < count) await new Promise((resolve) => setTimeout(resolve, 50));
    return Promise.all(this.started.slice(0, count));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.watching;
    await this.resources.disposeAsync();
  }

  private async start(pod: AuthPodObject, address: string): Promise<AuthPod> {
    const { image } = this.options;
    const { namespace = '', name } = pod.metadata;
    const folder = join(this.options.folder, name);
    await mkdir(folder, { recursive: true });
    const mounts = await this.mountsOf(pod, namespace);
    const log = join(folder, 'log');
    const given = { ...image.environment, ...this.environmentOf(pod, mounts), BENCH_ADDRESS: address };
    const settings = Object.entries(given).map(([variable, value]) => `${variable}=${value}`);
    const target = { apiVersion: 'v1', kind: 'Node', name: 'node' };
    const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
    await this.send('POST', `${objectPath(podKind, pod.metadata)}/binding`, body);
    await this.report(pod, { address, ready: false });
    const probes = { host: address, port: authContract.probePort };
    const server = await startServer('env', ['-i', ...settings, ...image.command], {
      log,
      answers: () => sendExpecting(200, { ...probes, path: authContract.readyPath }),
    });
    this.resources.defer(() => server.kill());
    await this.report(pod, { address, ready: true });
    return {
      ...{ name, address, pid: server.pid },
      memoryLimitMiB: bytesOf(pod.spec.containers[0]?.resources.limits.memory ?? '') / 2 ** 20,
      metrics: async () => (await sendExpecting(200, { ...probes, path: authContract.metricsPath })).text,
    };
  }

  private async mountsOf({ spec }: AuthPodObject, namespace: string): Promise<ReadonlyMap<string, FollowingMount>> {
    const { secrets, mountsAfter: after } = this.options;
    const mounts = new Map<string, FollowingMount>();
    for (const { name, secret } of spec.volumes) {
      if (!secret) continue;
      const ref = { namespace, name: secret.secretName };
      while (!secrets.get(ref)) await new Promise((resolve) => setTimeout(resolve, 50));
      mounts.set(name, this.resources.use(await mountOf(ref, { secrets, after, items: secret.items })));
    }
    return mounts;
  }

  /** As its Pod object has it, with each mount where it is here. */
  private environmentOf(
    { metadata, spec }: AuthPodObject,
    mounts: ReadonlyMap<string, FollowingMount>,
  ): Record<string, string> {
    const env = spec.containers.flatMap((container) => container.env);
    const placed = env.map(({ name, value }) => {
      const [volume = '', ...path] = value.startsWith(`${ROOT}/`) ? value.slice(ROOT.length + 1).split('/') : [];
      const mount = mounts.get(volume);
      return [name, mount ? join(mount.directory, ...path) : value] as const;
    });
    // The page is in no bundle of a bench.
    const { [variables.signInDir]: _page, ...given } = Object.fromEntries(placed);
    return {
      ...given,
      PATH: process.env['PATH'] ?? '',
      NODE_OPTIONS: `--import=${join(import.meta.dirname, 'network.ts')}`,
      [variables.podName]: metadata.name,
    };
  }

  private async report(
    pod: AuthPodObject,
    { address, ready }: { readonly address: string; readonly ready: boolean },
  ): Promise<void> {
    const status = runningStatus(pod, { address, ready, now: Date.now() });
    await this.send('PATCH', `${objectPath(podKind, pod.metadata)}/status`, { status });
  }

  private send(method: 'POST' | 'PATCH', path: string, body: object): Promise<unknown> {
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    return this.options.client.send({ method, path, body, contentType, signal: this.stop.signal });
  }
}
