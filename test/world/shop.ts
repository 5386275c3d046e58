import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { EXAMPLE_ORIGIN } from '../../cluster/demo.ts';
import { eventually } from './eventually.ts';
import type { Within } from './eventually.ts';
import { originOf } from './gateway.ts';
import { apply, find, get, kubectl } from './kubectl.ts';
import type { StoredObject } from './kubectl.ts';
import { expectCondition } from './stack.ts';
import type { Condition, Stack } from './stack.ts';

const examples = join(import.meta.dirname, '../../examples');

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** The orders service of the examples with its AuthConsumer, in a namespace that the scenario made. */
export class Shop {
  readonly namespace: string;
  private readonly stack: Stack;

  constructor(namespace: string, stack: Stack) {
    this.namespace = namespace;
    this.stack = stack;
  }

  async open(): Promise<void> {
    // The image that `make up` built and loaded is the demo's.
    const ofDemo = ['-n', 'shop', 'get', 'deployment', 'orders', '-o'];
    const image = await kubectl([...ofDemo, 'jsonpath={.spec.template.spec.containers[0].image}']);
    const text = await readFile(join(examples, 'orders.yaml'), 'utf8');
    const here = text.replaceAll('authstack/orders:dev', image).replaceAll(EXAMPLE_ORIGIN, originOf(this.stack));
    const manifests = parseAllDocuments(here)
      .map((document) => document.toJS() as Manifest)
      .filter(({ kind }) => kind !== 'Namespace')
      .map((manifest) => this.moved(manifest));
    await apply(...manifests);
  }

  async becomesReady(within: Within): Promise<void> {
    await this.consumerBecomes('InSync', within);
    await eventually(async () => {
      const { status } = await get(this.namespace, 'deployment', 'orders');
      if (status?.['readyReplicas'] !== 1) throw new Error(`orders in ${this.namespace} has no ready pod`);
    }, within);
  }

  /** Id of a ticket of which there are enough for everybody. */
  async ticketToBuy(): Promise<string> {
    const { body } = await this.stack.visitor().get('/api/orders/tickets');
    const [ticket] = (body as { tickets: { id: string }[] }).tickets;
    if (!ticket) throw new Error(`orders in ${this.namespace} has no tickets to sell`);
    return ticket.id;
  }

  consumer(): Promise<StoredObject> {
    return get(this.namespace, 'authconsumer', 'orders');
  }

  consumerBecomes(wanted: string, within: Within): Promise<Condition> {
    return eventually(async () => expectCondition(await this.consumer(), wanted), within);
  }

  copy(): Promise<StoredObject | undefined> {
    return find(this.namespace, 'secret', 'auth');
  }

  /** What the copy holds, decoded. */
  async secret(): Promise<Readonly<Record<string, string>>> {
    const { data = {} } = await get(this.namespace, 'secret', 'auth');
    const decoded = Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString()]);
    return Object.fromEntries(decoded) as Record<string, string>;
  }

  /** The stack's side of the consent, given or withdrawn by the namespace's label. */
  async trust(trusted: boolean): Promise<void> {
    const label = trusted ? `e2e/consumes=${this.stack.namespace}` : 'e2e/consumes-';
    await kubectl(['label', 'namespace', this.namespace, label, '--overwrite']);
  }

  private moved(manifest: Manifest): Manifest {
    const metadata = { ...manifest.metadata, namespace: this.namespace };
    if (manifest.kind !== 'AuthConsumer') return { ...manifest, metadata };
    const { namespace, name } = this.stack;
    return { ...manifest, metadata, spec: { ...manifest.spec, stackRef: { namespace, name } } };
  }
}
