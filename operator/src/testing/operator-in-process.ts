import type { ApiServer } from '../../../test/support/api-server.ts';
import { authStackKind } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { Settings } from '../environment.ts';
import { createOperator } from '../operator.ts';
import { createApiClient, isApiError } from '../runtime/client.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Clock } from '../runtime/clock.ts';
import { silent } from '../runtime/log.ts';
import { createRuntimeMetrics } from '../runtime/metrics.ts';
import type { Condition, Kind, KubernetesObject } from '../runtime/objects.ts';
import { objectPath } from '../runtime/paths.ts';
import { ServerClock } from '../runtime/server-clock.ts';

const settings: Settings = {
  namespaces: [],
  images: {
    auth: 'example.com/auth:test',
    agent: 'example.com/mongodb-agent:test',
    mongodb: { '6.0': 'example.com/mongodb:6.0' },
    defaultVersion: '6.0',
    pullPolicy: 'IfNotPresent',
  },
  identity: 'operator-1',
  probePort: 0,
  logLevel: 'info',
};

export interface OperatorInProcess extends AsyncDisposable {
  /** As stored, of namespace `auth`; undefined: none. */
  find<T extends KubernetesObject>(kind: Kind<T>, name: string): Promise<T | undefined>;
  keysReady(stack: string): Promise<Condition | undefined>;
}

/** Runs the operator of a whole cluster in this process, by that wall clock. The API server has the CRDs and namespace `auth`. */
export function startOperator(api: ApiServer, now: () => number = () => systemClock.now()): OperatorInProcess {
  const clock: Clock = {
    ...systemClock,
    now,
    // What an operator that has stopped still waits for must not keep the test.
    after: (delay, callback) => {
      const timer = setTimeout(callback, delay).unref();
      return () => {
        clearTimeout(timer);
      };
    },
  };
  const serverClock = new ServerClock(clock);
  const client = createApiClient({
    userAgent: 'test',
    kubeconfig: api.kubeconfig,
    clock,
    onAnswer: (answer) => {
      serverClock.hear(answer);
    },
  });
  const stopping = new AbortController();
  const metrics = createRuntimeMetrics();
  const ended = createOperator(settings, { client, clock, serverClock, log: silent, metrics }).run(stopping.signal);

  async function find<T extends KubernetesObject>(kind: Kind<T>, name: string): Promise<T | undefined> {
    try {
      const path = objectPath(kind, { namespace: 'auth', name });
      return await client.send<T>({ method: 'GET', path, signal: AbortSignal.timeout(10_000) });
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      throw error;
    }
  }

  return {
    find,
    async keysReady(stack) {
      const found = await find<AuthStack>(authStackKind, stack);
      return found?.status?.conditions?.find(({ type }) => type === 'KeysReady');
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await ended;
      await client.close();
    },
  };
}

/** An AuthStack with that `spec.signingKeys`, in namespace `auth`. */
export function stackWith(name: string, signingKeys: object = {}): object {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name, namespace: 'auth' },
    spec: { publicURL: `https://${name}.example.com`, auth: { audience: ['shop'] }, signingKeys },
  };
}
