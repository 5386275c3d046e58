import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import type { SecretMount } from '../../packages/verify/src/testing/secret-mount.ts';
import { inTurn, key, tokensOf } from './tokens.ts';

/** How a request brings its token; `guarded`: the route that verifies it. */
export interface Bringing {
  readonly guarded: '/guarded' | '/fast-jwt';
  readonly header: (token: string) => string;
}

/** Requests that are under way at once, in one connection. */
const PIPELINED = 20;
/** Requests to a route until the compiler has seen it often enough. */
const WARM_UP = 20_000;

/**
 * An Express route in a process of its own. Answers how many microseconds of CPU a request costs above the same request to the
 * same route without a verifier: one figure for each pair.
 */
export class RouteServer implements Disposable {
  private readonly child: ChildProcess;
  private readonly socket: Socket;
  private readonly next = inTurn(tokensOf(100));
  private received = '';

  private constructor(child: ChildProcess, socket: Socket) {
    this.child = child;
    this.socket = socket.on('data', (part: string) => {
      this.received += part;
      socket.emit('received');
    });
  }

  static async start({ directory }: SecretMount): Promise<RouteServer> {
    const pem = key.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const child = fork(join(import.meta.dirname, 'routes.ts'), [directory, pem]);
    const [{ port }] = (await once(child, 'message')) as [AddressInfo];
    const socket = connect(port, '127.0.0.1').setEncoding('latin1');
    await once(socket, 'connect');
    return new RouteServer(child, socket);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
    this.child.disconnect();
  }

  async costAbove(
    { guarded, header }: Bringing,
    { pairs, requests }: { pairs: number; requests: number },
  ): Promise<number[]> {
    const costs: number[] = [];
    for (const path of ['/bare', guarded]) await this.costOf(path, header, WARM_UP);
    for (let pair = 0; pair < pairs; pair += 1) {
      const paths = pair % 2 === 0 ? (['/bare', guarded] as const) : ([guarded, '/bare'] as const);
      const cost: Record<string, number> = {};
      for (const path of paths) cost[path] = await this.costOf(path, header, requests);
      costs.push((cost[guarded] ?? NaN) - (cost['/bare'] ?? NaN));
    }
    return costs;
  }

  private async costOf(path: string, header: Bringing['header'], requests: number): Promise<number> {
    const before = await this.cpu();
    for (let asked = 0; asked < requests; asked += PIPELINED) {
      const batch = Array.from(
        { length: PIPELINED },
        () =>
          `GET ${path} HTTP/1.1\r\nHost: shop.example.com\r\nAccept: application/json\r\n${header(this.next())}\r\n\r\n`,
      );
      this.socket.write(batch.join(''));
      await this.answered(PIPELINED);
    }
    return ((await this.cpu()) - before) / requests;
  }

  private async answered(count: number): Promise<void> {
    while (this.received.split('{"ok":true}').length <= count) await once(this.socket, 'received');
    if (/^HTTP\/1\.1 (?!200)/m.test(this.received)) throw new Error(`refused: ${this.received.slice(0, 200)}`);
    this.received = '';
  }

  private async cpu(): Promise<number> {
    const answer = once(this.child, 'message') as Promise<[number]>;
    this.child.send('cpu');
    return (await answer)[0];
  }
}
