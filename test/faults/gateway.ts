import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { ApiServer } from '../support/api-server.ts';
import { codeOf, mayMeet, statusBody } from './fault.ts';
import type { Fault } from './fault.ts';
import { readRequest } from './request.ts';
import type { SeenRequest } from './request.ts';
import { authorityOf, writeDetour } from './target.ts';
import { OpenWatches, expired } from './watches.ts';

/** A write that the API server has carried out. Events do not count: they are written on the side. */
export interface Write {
  /** Such as `PATCH authstacks main status`. */
  readonly label: string;
  /** How many with this label there were before. */
  readonly earlier: number;
}

/** Which fault a request meets: decided from what it is, and from how many like it there were before. */
export type FaultPlan = (seen: SeenRequest, earlier: number) => Fault | undefined;

export const noFaults: FaultPlan = () => undefined;

interface Passing {
  readonly from: IncomingMessage;
  readonly body: string;
  readonly seen: SeenRequest;
  readonly fault: Fault | undefined;
}

interface Fatal {
  readonly which: (write: Write) => boolean;
  readonly died: (write: Write) => void;
}

const SLOW = 1_500;

export async function startFaultGateway(api: ApiServer): Promise<FaultGateway> {
  const ca = await authorityOf(api);
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const kubeconfig = await writeDetour(api, (server.address() as AddressInfo).port);
  return new FaultGateway(server, { upstream: api.url, ca, kubeconfig });
}

/** A proxy between one API client and a real API server that injects faults. */
export class FaultGateway implements AsyncDisposable {
  /** Path of a kubeconfig that leads through it. */
  readonly kubeconfig: string;
  /** Since the last `forget`, in the order of their answers. */
  readonly writes: Write[] = [];
  /** Faults since then, each with the label of what met it. */
  readonly met: string[] = [];
  private readonly server: Server;
  private readonly upstream: { readonly url: string; readonly ca: Buffer };
  private readonly inLine: Fault[] = [];
  private readonly open: OpenWatches = new OpenWatches();
  private readonly underWay: Set<() => void> = new Set();
  private readonly firstLists: Map<string, string> = new Map();
  private readonly counts: Map<string, number> = new Map();
  private faultPlan: FaultPlan = noFaults;
  private isDead: boolean = false;
  private fatal: Fatal | undefined;

  constructor(
    server: Server,
    options: { readonly upstream: string; readonly ca: Buffer; readonly kubeconfig: string },
  ) {
    this.server = server;
    this.kubeconfig = options.kubeconfig;
    this.upstream = { url: options.upstream, ca: options.ca };
    server.on('request', (from: IncomingMessage, to: ServerResponse) => {
      if (this.isDead) to.destroy();
      else void this.serve(from, to).catch(() => to.destroy());
    });
  }

  /** The next request that can meet this fault does; several wait in line. */
  next(fault: Fault): void {
    this.inLine.push(fault);
  }

  /** From now on; faults that wait in line precede it. */
  setFaultPlan(plan: FaultPlan): void {
    this.faultPlan = plan;
  }

  /** Starts counting writes, faults and earlier requests at zero. */
  forget(): void {
    this.writes.length = 0;
    this.met.length = 0;
    this.counts.clear();
  }

  /** The next list of each kind is the first, and what a stale one will show. */
  forgetLists(): void {
    this.firstLists.clear();
  }

  /** Cuts the connections of all open watches. */
  breakWatches(): void {
    this.open.break();
  }

  /** Open watches stay connected, but nothing more comes: a half-dead connection. */
  muteWatches(): void {
    this.open.mute();
  }

  /** How many watches are open and heard. */
  get watches(): number {
    return this.open.heard;
  }

  /** Cuts the client off once the API server has carried out such a write; its answer does not get through either. */
  killAfter(which: (write: Write) => boolean): Promise<Write> {
    const { promise, resolve } = Promise.withResolvers<Write>();
    this.fatal = { which, died: resolve };
    return promise;
  }

  /** Cuts the client off now: nothing more gets through, in neither direction. */
  kill(): void {
    this.isDead = true;
    this.fatal = undefined;
    for (const cut of this.underWay) cut();
    this.server.closeAllConnections();
  }

  /** Lets the next client in. */
  revive(): void {
    this.isDead = false;
    this.fatal = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    this.server.close();
    await rm(this.kubeconfig, { force: true });
  }

  private faultFor(seen: SeenRequest): Fault | undefined {
    const earlier = this.counts.get(seen.label) ?? 0;
    this.counts.set(seen.label, earlier + 1);
    const place = this.inLine.findIndex((fault) => mayMeet(seen, fault));
    const fault = place < 0 ? this.faultPlan(seen, earlier) : this.inLine.splice(place, 1)[0];
    if (fault === undefined || !mayMeet(seen, fault)) return undefined;
    this.met.push(`${fault}: ${seen.label}`);
    return fault;
  }

  private async serve(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const body = await text(from);
    const seen = readRequest(from, body);
    const fault = this.faultFor(seen);
    if (fault === 'slow' || fault === 'late') await pause(SLOW);
    const stale = fault === 'stale' ? this.firstLists.get(from.url ?? '') : undefined;
    if (stale !== undefined) to.writeHead(200, { 'content-type': 'application/json' }).end(stale);
    else if (fault === undefined || !answerWith(to, fault)) this.forward({ from, body, seen, fault }, to);
  }

  private forward(passing: Passing, to: ServerResponse): void {
    const { from, body, seen, fault } = passing;
    const { url, ca } = this.upstream;
    // Without compression a list can be kept, and a watch be read line by line.
    const headers = { ...from.headers, host: new URL(url).host, 'accept-encoding': 'identity' };
    const outgoing = request(`${url}${from.url ?? ''}`, { method: from.method, headers, ca }, (answer) => {
      if (seen.act === 'watch' && answer.statusCode === 200) this.open.pass(answer, to, fault);
      else void this.relay(answer, passing, to).catch(() => to.destroy());
    });
    const cut = (): void => {
      outgoing.destroy();
    };
    this.underWay.add(cut);
    outgoing.on('error', () => to.destroy());
    to.on('close', () => {
      this.underWay.delete(cut);
      cut();
    });
    outgoing.end(body);
  }

  private async relay(answer: IncomingMessage, { from, seen, fault }: Passing, to: ServerResponse): Promise<void> {
    const content = await text(answer);
    const { statusCode = 502, headers } = answer;
    const url = from.url ?? '';
    if (seen.act === 'list' && statusCode === 200 && !this.firstLists.has(url)) this.firstLists.set(url, content);
    if (seen.act === 'write' && seen.resource !== 'events' && statusCode < 300) this.carriedOut(seen.label);
    if (this.isDead || fault === 'answer lost') to.destroy();
    else to.writeHead(statusCode, { 'content-type': headers['content-type'] ?? 'application/json' }).end(content);
  }

  /** A write of the client has taken effect: one that passed here, or one that took another way. */
  carriedOut(label: string): void {
    if (this.isDead) return;
    const write = { label, earlier: this.writes.filter((other) => other.label === label).length };
    this.writes.push(write);
    if (this.fatal?.which(write) !== true) return;
    const { died } = this.fatal;
    this.kill();
    died(write);
  }
}

const endings: Partial<Readonly<Record<Fault, string>>> = {
  'sent 410': expired(),
  garbled: '{"type":"MODI\n',
  'closed at once': '',
};

/** Answers in the API server's place, where the fault is of that kind. */
function answerWith(to: ServerResponse, fault: Fault): boolean {
  const code = codeOf(fault);
  const ending = code === undefined ? endings[fault] : statusBody(code);
  if (ending === undefined) return false;
  const retry = code === 429 ? { 'retry-after': '1' } : {};
  to.writeHead(code ?? 200, { 'content-type': 'application/json', ...retry }).end(ending);
  return true;
}
