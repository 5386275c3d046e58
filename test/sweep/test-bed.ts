import { createApiClient } from '../../operator/src/runtime/client.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import type { Log } from '../../operator/src/runtime/log.ts';
import { silent } from '../../operator/src/runtime/log.ts';
import { startFaultGateway } from '../faults/gateway.ts';
import type { FaultGateway } from '../faults/gateway.ts';
import { startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { startControllers } from '../support/controllers.ts';
import { applyTo } from '../support/installed-operator.ts';
import { JumpingClock } from './clock.ts';
import { startNode } from './node.ts';
import type { Node } from './node.ts';
import { Operators } from './operators.ts';
import { LEAD, STACK, Subject, VOLUME_REFRESH } from './subject.ts';
import { InvariantChecker } from './invariants.ts';

interface Parts {
  readonly api: ApiServer;
  readonly controllers: AsyncDisposable;
  readonly gateway: FaultGateway;
  readonly node: Node;
  readonly clock: JumpingClock;
  readonly log: Log;
}

/** Its volumes are bound, and grow, by the node. */
const storageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'node', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: 'example.com/node',
  allowVolumeExpansion: true,
};

export interface TestBedOptions {
  /** From 0; stages that are open at the same time need different ones. */
  readonly lane?: number;
  readonly log?: Log;
}

/**
 * A cluster of real parts, Kubernetes' own controllers among them, with an operator that reaches it only through the
 * fault gateway. One stack is under test at a time.
 */
export async function openTestBed({ lane = 0, log = silent }: TestBedOptions = {}): Promise<TestBed> {
  const api = await startApiServer({ crds: true });
  await applyTo(api, [storageClass]);
  const controllers = await startControllers(api, [
    'statefulset-controller',
    'deployment-controller',
    'replicaset-controller',
    'garbage-collector-controller',
    'namespace-controller',
    'serviceaccount-controller',
    'persistentvolumeclaim-protection-controller',
  ]);
  const gateway = await startFaultGateway(api);
  const clock = new JumpingClock();
  const node = await startNode({
    api,
    lane,
    now: () => clock.now(),
    onCommand: (path) => {
      gateway.carriedOut(`POST ${path}`);
    },
  });
  return new TestBed({ api, controllers, gateway, node, clock, log });
}

export class TestBed implements AsyncDisposable {
  readonly gateway: FaultGateway;
  readonly clock: JumpingClock;
  readonly operators: Operators;
  readonly invariants: InvariantChecker;
  private readonly parts: Parts;
  private readonly direct: ApiClient;
  private stacks: number = 0;

  constructor(parts: Parts) {
    const { api, gateway, clock, log } = parts;
    this.parts = parts;
    this.gateway = gateway;
    this.clock = clock;
    this.direct = createApiClient({ userAgent: 'user', kubeconfig: api.kubeconfig });
    this.operators = new Operators({ kubeconfig: gateway.kubeconfig, clock, log });
    this.invariants = new InvariantChecker({
      client: this.direct,
      now: () => clock.now(),
      stack: STACK,
      lead: LEAD,
      volumeRefresh: VOLUME_REFRESH,
    });
  }

  /** Namespaces for a stack and its consumer, in which nothing is yet. */
  async prepare(): Promise<Subject> {
    this.stacks += 1;
    this.clock.begin();
    this.gateway.forgetLists();
    const subject = new Subject(this.direct, `stack-${this.stacks}`);
    await subject.makeNamespaces();
    this.invariants.follow(subject.namespace, subject.consumerNamespace);
    return subject;
  }

  lastLinesOfUnready({ namespace }: Subject): Promise<readonly string[]> {
    return this.parts.node.lastLinesOfUnready(namespace);
  }

  /** To the mongod of one member, past its agent: `SIGKILL`, or `SIGSTOP` and `SIGCONT`. */
  signalMongod({ namespace }: Subject, name: string, signal: NodeJS.Signals): Promise<void> {
    return this.parts.node.signalMongod({ namespace, name }, signal);
  }

  /** The node that the pods run on. */
  get node(): Node {
    return this.parts.node;
  }

  /** Removes everything; the namespaces end later. */
  async clear(subject: Subject): Promise<void> {
    this.invariants.forget(subject.namespace);
    await this.operators.stop();
    await this.parts.node.evict(subject.namespace);
    await subject.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.operators.stop();
    await this.gateway[Symbol.asyncDispose]();
    await this.parts.node[Symbol.asyncDispose]();
    await this.invariants.close();
    await this.direct.close();
    await this.parts.controllers[Symbol.asyncDispose]();
    await this.parts.api[Symbol.asyncDispose]();
  }
}
