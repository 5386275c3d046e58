import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { authContract } from '@authstack/auth-service/api';

/**
 * What a pod of the auth service is to who asks it: a real listener on the probe port of an address of the loopback network,
 * which can fall silent as a frozen process does: connections are accepted, and nothing comes.
 */
export class ListeningPod implements AsyncDisposable {
  readonly ip: string;
  /** Those that are open. */
  readonly connections: Set<Socket> = new Set();
  /** So many were made so far. */
  accepted = 0;
  /** So many questions came so far. */
  questions = 0;
  private isFrozen = false;
  private isForgetful = false;
  private readonly deaf: WeakSet<Socket> = new WeakSet();
  private readonly server: Server;

  private constructor(ip: string) {
    this.ip = ip;
    this.server = createServer(({ socket }, response) => {
      this.questions += 1;
      const forgets = this.isForgetful && this.questions % 2 === 0;
      if (!this.isFrozen && !forgets && !this.deaf.has(socket)) response.end('ok\n');
    });
    this.server.on('connection', (socket) => {
      this.accepted += 1;
      this.connections.add(socket.on('close', () => this.connections.delete(socket)));
    });
  }

  static async at(ip: string): Promise<ListeningPod> {
    const pod = new ListeningPod(ip);
    await once(pod.server.listen(authContract.probePort, ip), 'listening');
    return pod;
  }

  /** Nothing is answered any more. */
  freeze(): void {
    this.isFrozen = true;
  }

  /** Every other question is not answered any more. */
  forget(): void {
    this.isForgetful = true;
  }

  /** What is asked from now on is answered. */
  thaw(): void {
    this.isFrozen = false;
    this.isForgetful = false;
  }

  /** Nothing comes any more over the connections that are open; new ones work. */
  breakConnections(): void {
    for (const socket of this.connections) this.deaf.add(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
