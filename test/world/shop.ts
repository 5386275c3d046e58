import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageOfDemo } from './demo-images.ts';
import { eventually } from './eventually.ts';
import type { Within } from './eventually.ts';
import { gatewayEntry, hostOf } from './gateway.ts';
import { apply, find, get, kubectl, list } from './kubectl.ts';
import type { StoredObject } from './kubectl.ts';
import { ordersFor } from './orders-manifests.ts';
import { showToken } from './show-token.ts';
import type { Shown, TakesTokens } from './show-token.ts';
import { expectCondition } from './stack.ts';
import type { Condition, Stack } from './stack.ts';

const examples = join(import.meta.dirname, '../../examples');

export interface ShopOptions {
  /** Its namespace is that of the stack with this at its end; the gateway leads browsers to the one that is named `shop`. */
  readonly name?: string;
  /** False: it goes by its mounted keys alone. */
  readonly feed?: boolean;
}

/** The orders service of the examples with its AuthConsumer, in a namespace that the scenario made. */
export class Shop implements TakesTokens {
  readonly name: string;
  readonly namespace: string;
  private readonly stack: Stack;
  private readonly feed: boolean;

  constructor(namespace: string, stack: Stack, { name = 'shop', feed = true }: ShopOptions = {}) {
    this.namespace = namespace;
    this.stack = stack;
    this.name = name;
    this.feed = feed;
  }

  async open(): Promise<void> {
    const text = await readFile(join(examples, 'orders.yaml'), 'utf8');
    const { namespace, stack, feed } = this;
    await apply(...ordersFor(stack, text, { namespace, feed, image: await imageOfDemo('orders') }));
  }

  async becomesReady(within: Within): Promise<void> {
    await this.consumerBecomes('InSync', within);
    await eventually(async () => expectCondition(await this.pod(), 'Ready'), within);
  }

  /** Deletes its pod, as an eviction does, and waits for the next one. */
  async restart(within: Within): Promise<void> {
    const { metadata } = await this.pod();
    await kubectl(['-n', this.namespace, 'delete', 'pod', metadata.name]);
    await this.becomesReady(within);
  }

  /** The one that is not about to end. */
  async pod(): Promise<StoredObject> {
    const pods = await list(this.namespace, 'pods', 'app.kubernetes.io/name=orders');
    const pod = pods.find(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (!pod) throw new Error(`orders in ${this.namespace} has no pod`);
    return pod;
  }

  show(token: string): Promise<Shown> {
    const { namespace } = this;
    const url = new URL('/api/orders', gatewayEntry).href;
    return showToken(token, { url, host: hostOf({ service: 'orders', namespace }) });
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

  /** The keys that all its connected pods have in their memory, as the AuthConsumer tells. */
  async acknowledgedKids(): Promise<readonly string[]> {
    const { status } = await this.consumer();
    return (status?.['acknowledgedKids'] ?? []) as readonly string[];
  }

  async acknowledges(kid: string, within: Within): Promise<void> {
    await eventually(async () => {
      const kids = await this.acknowledgedKids();
      if (!kids.includes(kid)) throw new Error(`${this.name} has acknowledged ${kids.join(', ')}, not ${kid}`);
    }, within);
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
}
