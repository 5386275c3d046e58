import { MongoClient } from 'mongodb';
import { eventually } from './eventually.ts';
import type { Within } from './eventually.ts';
import { authPodsService, gatewayEntry, originOf } from './gateway.ts';
import { apply, find, get, kubectl, list, portForward } from './kubectl.ts';
import type { StoredObject } from './kubectl.ts';
import { crash } from './node.ts';
import { Visitor } from './visitor.ts';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

/** The one that all stacks of the scenarios issue tokens for. */
export const AUDIENCE = 'shop';

export type Members = 1 | 3 | 5 | 7;

/** Fields of an AuthStack's spec that a scenario sets; the rest is the API's default. */
export interface StackOptions {
  readonly members?: Members;
  readonly replicas?: number;
  /** Secrets that are there before the stack is: what each holds, by name. */
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly spec?: {
    readonly auth?: object;
    readonly mongodb?: object;
    readonly signingKeys?: object;
    readonly updates?: object;
    readonly deletionPolicy?: 'Retain' | 'Delete';
  };
}

/** One AuthStack in the cluster. */
export class Stack {
  readonly namespace: string;
  readonly name: string;
  private readonly options: StackOptions;

  constructor({ namespace, name }: { namespace: string; name: string }, options: StackOptions) {
    this.namespace = namespace;
    this.name = name;
    this.options = options;
  }

  manifests(): readonly object[] {
    const { namespace, options } = this;
    const secrets = Object.entries(options.secrets ?? {}).map(([name, stringData]) => ({
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData },
    }));
    return [...secrets, this.manifest(), authPodsService(this)];
  }

  manifest(): object {
    const { members = 3, replicas = 2, spec = {} } = this.options;
    return {
      apiVersion: 'authstack.dev/v1alpha1',
      kind: 'AuthStack',
      metadata: { name: this.name, namespace: this.namespace },
      spec: {
        publicURL: originOf(this),
        auth: { replicas, audience: [AUDIENCE], ...spec.auth },
        mongodb: { members, storage: { size: '1Gi' }, ...spec.mongodb },
        ...(spec.signingKeys && { signingKeys: spec.signingKeys }),
        ...(spec.updates && { updates: spec.updates }),
        consumers: {
          allowedNamespaces: { from: 'Selector', selector: { matchLabels: { 'e2e/consumes': this.namespace } } },
        },
        deletionPolicy: spec.deletionPolicy ?? 'Retain',
      },
    };
  }

  async create(): Promise<void> {
    await apply(...this.manifests());
  }

  async delete(): Promise<void> {
    await kubectl(['-n', this.namespace, 'delete', 'authstack', this.name, '--timeout=180s']);
  }

  read(): Promise<StoredObject> {
    return get(this.namespace, 'authstack', this.name);
  }

  async condition(type: string): Promise<Condition | undefined> {
    return conditionOf(await this.read(), type);
  }

  /** `Ready` (is True), `Ready=False` or `DatabaseReady=False/StorageClassNotFound`; answers the condition. */
  becomes(wanted: string, within: Within): Promise<Condition> {
    return eventually(async () => expectCondition(await this.read(), wanted), within);
  }

  visitor(): Visitor {
    return new Visitor(gatewayEntry, originOf(this));
  }

  pods(component: 'mongodb' | 'auth'): Promise<readonly StoredObject[]> {
    return list(
      this.namespace,
      'pods',
      `app.kubernetes.io/instance=${this.name},app.kubernetes.io/component=${component}`,
    );
  }

  /**
   * Kills pods as a node that dies does. The kubelet alone would ask a mongod to end and give it two seconds, even for
   * --grace-period=0, in which it hands over.
   */
  async killPods(names: readonly string[]): Promise<void> {
    const pods = await Promise.all(names.map((name) => get(this.namespace, 'pod', name)));
    await Promise.all(pods.map((pod) => crash(pod)));
    await kubectl(['-n', this.namespace, 'delete', 'pod', ...names, '--force', '--grace-period=0', '--wait=false']);
  }

  /**
   * Kills them, and waits until the stack reports it: before that its condition is of the time before. On a busy machine they may
   * be back before anybody has looked; then the condition is true of the pods that came after them.
   */
  async loseMembers(names: readonly string[]): Promise<void> {
    const killed = new Set((await this.pods('mongodb')).map(({ metadata }) => metadata.uid));
    await this.killPods(names);
    await eventually(
      async () => {
        const { reason } = (await this.condition('DatabaseReady')) ?? {};
        if (reason !== 'AllMembersHealthy') return;
        const others = (await this.pods('mongodb')).filter(({ metadata }) => !killed.has(metadata.uid));
        const back = others.filter((pod) => conditionOf(pod, 'Ready')?.status === 'True');
        if (back.length < names.length) throw new Error(`the loss of ${names.join(', ')} is not seen`);
      },
      { within: 30 },
    );
  }

  /** Changes the spec as `kubectl patch` does. */
  async patch(spec: object): Promise<void> {
    await kubectl([
      '-n',
      this.namespace,
      'patch',
      'authstack',
      this.name,
      '--type=merge',
      '-p',
      JSON.stringify({ spec }),
    ]);
  }

  /** undefined takes the annotation off. */
  async annotate(name: string, value: string | number | undefined): Promise<void> {
    const change = value === undefined ? `authstack.dev/${name}-` : `authstack.dev/${name}=${value}`;
    await kubectl(['-n', this.namespace, 'annotate', '--overwrite', 'authstack', this.name, change]);
  }

  /** Of member `ordinal`: pod, and with a prefix its claim. */
  member(ordinal: number): string {
    return `${this.name}-mongodb-${ordinal}`;
  }

  /** Takes a member's volume away with its pod, as a lost disk is. */
  async loseVolume(ordinal: number): Promise<void> {
    const name = this.member(ordinal);
    await kubectl(['-n', this.namespace, 'delete', 'pvc', `data-${name}`, '--wait=false']);
    await this.killPods([name]);
  }

  async primary(): Promise<string> {
    const { status } = await this.read();
    const { primary } = (status?.['mongodb'] ?? {}) as { primary?: string };
    if (primary === undefined) throw new Error(`status.mongodb.primary of ${this.namespace}/${this.name} is empty`);
    return primary;
  }

  async primaryOrdinal(): Promise<number> {
    return Number((await this.primary()).split('-').at(-1));
  }

  async secret(suffix: string): Promise<Readonly<Record<string, string>>> {
    const secret = await get(this.namespace, 'secret', `${this.name}-${suffix}`);
    const decoded = Object.entries(secret.data ?? {}).map(([key, value]) => [key, atob(value)]);
    return Object.fromEntries(decoded) as Record<string, string>;
  }

  secretExists(suffix: string): Promise<boolean> {
    return find(this.namespace, 'secret', `${this.name}-${suffix}`).then((found) => found !== undefined);
  }

  /** Asks one member's mongod, as root. */
  async askMember<T>(ordinal: number, ask: (client: MongoClient) => Promise<T>): Promise<T> {
    await using forward = await portForward(this.namespace, `${this.name}-mongodb-${ordinal}`, 27_017);
    const { username = '', password = '' } = await this.secret('mongodb-root');
    const client = new MongoClient(`mongodb://127.0.0.1:${forward.port}/?directConnection=true`, {
      auth: { username, password },
      authSource: 'admin',
      serverSelectionTimeoutMS: 10_000,
    });
    try {
      return await ask(client);
    } finally {
      await client.close();
    }
  }
}

export function conditionOf(object: StoredObject, type: string): Condition | undefined {
  const conditions = (object.status?.['conditions'] ?? []) as Condition[];
  return conditions.find((condition) => condition.type === type);
}

/** Throws with what stands there instead, so that a failure reads as the cluster's own explanation. */
export function expectCondition(object: StoredObject, wanted: string): Condition {
  const [type = '', rest = 'True'] = wanted.split('=');
  const [status, reason] = rest.split('/');
  const all = (object.status?.['conditions'] ?? []) as Condition[];
  const { generation } = object.metadata;
  // A condition of an earlier generation does not count.
  const isWanted = (one: Condition): boolean =>
    one.type === type &&
    one.status === status &&
    (reason === undefined || one.reason === reason) &&
    (one.observedGeneration ?? generation) === generation;
  const found = all.find(isWanted);
  if (found) return found;
  const seen = all.map((one) => `  ${one.type}=${one.status}/${one.reason}: ${one.message}`).join('\n');
  throw new Error(
    `${object.kind} ${object.metadata.namespace}/${object.metadata.name} is not ${wanted}\n${seen || '  no conditions'}`,
  );
}
