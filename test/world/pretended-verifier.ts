import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { authContract } from '@authstack/auth-service/api';
import { feedApi } from '@authstack/verify/feed-api';
import { post } from './service-listener.ts';
import type { ServiceListener } from './service-listener.ts';

/**
 * A service that is connected to an auth pod's feed as those with @authstack/verify are, and says of its memory what a scenario
 * wants it to say: that keys it was told of are not in it, say.
 */
export class PretendedVerifier implements AsyncDisposable {
  /** Of its pod. */
  readonly name: string;
  private readonly listener: ServiceListener;
  private readonly instance: string = randomUUID();
  private kids: readonly string[] = [];
  private timer: NodeJS.Timeout | undefined;
  private stream: IncomingMessage | undefined;
  private fault: string | undefined;

  private constructor(listener: ServiceListener, name: string) {
    this.listener = listener;
    this.name = name;
  }

  static async connect(
    listener: ServiceListener,
    { name, kids }: { readonly name: string; readonly kids: readonly string[] },
  ): Promise<PretendedVerifier> {
    const verifier = new PretendedVerifier(listener, name);
    await verifier.open();
    await verifier.says(kids);
    verifier.timer = setInterval(() => {
      verifier.acknowledge().catch((error: unknown) => {
        verifier.fault = String(error);
      });
    }, feedApi.acknowledgeEvery);
    return verifier;
  }

  /** Why it is not connected any more, or was not understood; undefined: it is, and was. */
  get problem(): string | undefined {
    return this.stream?.closed === true ? 'its stream has ended' : this.fault;
  }

  /** At once, and from now on. */
  async says(kids: readonly string[]): Promise<void> {
    this.kids = kids;
    await this.acknowledge();
  }

  [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.timer);
    this.stream?.destroy();
    return Promise.resolve();
  }

  private async open(): Promise<void> {
    const { headers, ...listener } = this.listener;
    const asked = { path: authContract.eventsPath, headers: { ...headers, [feedApi.instanceHeader]: this.instance } };
    const sent = request({ ...listener, ...asked, agent: false }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    sent.on('error', () => undefined);
    this.stream = response.on('error', () => undefined).resume();
    const { statusCode, headers: answered } = response;
    if (statusCode !== 200 || answered['content-type']?.startsWith('text/event-stream') !== true) {
      throw new Error(`the auth pod answers ${statusCode ?? 0} instead of events`);
    }
  }

  private async acknowledge(): Promise<void> {
    const { instance, name, kids } = this;
    const { status } = await post(this.listener, {
      path: authContract.acknowledgePath,
      body: { instance, name, kids },
    });
    if (status !== 204) throw new Error(`the auth pod answers ${status} to what ${name} acknowledges`);
  }
}
