import { ApiError } from '../client.ts';
import type { ApiClient, ApiRequest } from '../client.ts';
import type { FakeClock } from '../fake-clock.ts';

interface Lease {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec: { readonly holderIdentity: string };
}

/** How long a request and its answer are under way. */
export interface Latency {
  readonly there: number;
  readonly back: number;
}

/** The API server's part in it: one Lease with optimistic locking, and a network that is slow or cut for each process. */
export class LeaseServer {
  private readonly clock: FakeClock;
  private lease: Lease | undefined;
  private version = 0;
  private readonly cut = new Set<string>();
  private readonly losing = new Set<string>();
  private readonly latencies = new Map<string, Latency>();

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  cutOff(identity: string, isCut: boolean): void {
    if (isCut) this.cut.add(identity);
    else this.cut.delete(identity);
  }

  slow(identity: string, latency: Latency): void {
    this.latencies.set(identity, latency);
  }

  /** The next request gets lost on its way. */
  loseNext(identity: string): void {
    this.losing.add(identity);
  }

  /** Requests that reached it. */
  readonly requests: string[] = [];

  get holder(): string | undefined {
    return this.lease?.spec.holderIdentity;
  }

  clientOf(identity: string): ApiClient {
    const send = async (request: ApiRequest): Promise<Lease> => {
      if (this.cut.has(identity)) throw new Error('connection refused');
      if (this.losing.delete(identity)) return new Promise(() => undefined);
      const { there, back } = this.latencies.get(identity) ?? { there: 0, back: 0 };
      await this.pause(there);
      const answer = await this.answer(request);
      await this.pause(back);
      return answer;
    };
    return {
      // A request that its sender has given up arrives all the same.
      send: <T>(request: ApiRequest) =>
        new Promise<T>((resolve, reject) => {
          const { signal } = request;
          const gaveUp = (): void => {
            reject(signal.reason as Error);
          };
          if (signal.aborted) gaveUp();
          signal.addEventListener('abort', gaveUp, { once: true });
          send(request).then((lease) => {
            resolve(lease as T);
          }, reject);
        }),
      stream: () => Promise.reject(new Error('not needed')),
      close: () => Promise.resolve(),
    };
  }

  private pause(delay: number): Promise<void> {
    return delay === 0
      ? Promise.resolve()
      : new Promise((resolve) => {
          this.clock.after(delay, resolve);
        });
  }

  private answer({ method, body }: ApiRequest): Promise<Lease> {
    this.requests.push(method);
    const refuse = (status: number): Promise<Lease> =>
      Promise.reject(new ApiError(method, status, { reason: 'Tested', message: String(status) }));
    if (method === 'GET') return this.lease ? Promise.resolve(this.lease) : refuse(404);
    if (method === 'POST' && this.lease) return refuse(409);
    const sent = body as Lease;
    if (method === 'PUT' && sent.metadata.resourceVersion !== this.lease?.metadata.resourceVersion) return refuse(409);
    this.version += 1;
    this.lease = { ...sent, metadata: { ...sent.metadata, resourceVersion: String(this.version) } };
    return Promise.resolve(this.lease);
  }
}
