import type { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { podKind } from './core-kinds.ts';
import type { PerObjectOf } from './manager.ts';
import type { Millis, ObjectRef } from './objects.ts';
import { connectSecurely, hostOf } from './pod-connection.ts';

/*
 * Mutual TLS to pods: this process shows its certificate, the pod shows one of the same authority. A pod is asked at its address,
 * and its certificate must have the name that was expected there.
 */

/** PEM texts with which this process authenticates to the pods of one owner. */
export interface PodIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Where a pod answers. */
export interface PodAddress extends ObjectRef {
  readonly ip: string;
  readonly port: number;
  /** The name that its certificate must have. */
  readonly servername: string;
  /** Whose authority its certificate is of. */
  readonly owner: ObjectRef;
}

/** The pod could not be asked, whatever the reason. */
export class PodUnreachable extends Error {
  override readonly name: string = 'PodUnreachable';
}

export interface PodQuestion {
  readonly path: string;
  /** Sent as JSON by POST; undefined: GET. */
  readonly body?: unknown;
  readonly within: Millis;
}

export interface PodAnswer {
  readonly status: number;
  /** Parsed JSON; undefined where there was none. */
  readonly body: unknown;
}

export interface PodClient {
  /** Throws PodUnreachable. */
  ask(pod: PodAddress, question: PodQuestion, signal: AbortSignal): Promise<PodAnswer>;
  /** An answer without end; who reads it judges silence. Throws PodUnreachable where there is no identity. */
  open(pod: PodAddress, path: string, signal: AbortSignal): Promise<{ status: number; body: Readable & OpenBody }>;
}

interface OpenBody {
  /** Reads what is left, for nothing. */
  dump(): Promise<void>;
}

export interface PodClientPorts {
  /** Undefined while the owner has no usable authority. */
  readonly identityOf: (owner: ObjectRef) => Promise<PodIdentity | undefined>;
  readonly perObject: PerObjectOf;
}

/** For undici: until then a pod must have done its part of the TLS handshake. */
const HANDSHAKES_WITHIN: Millis = 2_000;
const KEPT_FOR: Millis = 30_000;

interface Connections {
  readonly identity: PodIdentity;
  readonly agent: Agent;
}

export function createPodClient({ identityOf, perObject }: PodClientPorts): PodClient {
  /** To each pod. They are closed when it is gone, and when the identity is a new one. */
  const connections = perObject<Connections>(podKind, ({ agent }) => void agent.close());
  /** A pass that waits for a pod ends its wait when the Pod object is gone. */
  const waits = perObject<AbortController>(podKind, (wait) => {
    wait.abort();
  });

  function goneOf(pod: ObjectRef): AbortSignal {
    const wait = waits.get(pod) ?? new AbortController();
    waits.set(pod, wait);
    return wait.signal;
  }

  async function dispatcherTo({ owner, servername, ...pod }: PodAddress): Promise<Agent> {
    const identity = await identityOf(owner);
    if (!identity) throw new PodUnreachable('the stack has no certificate authority yet');
    const known = connections.get(pod);
    if (known?.identity === identity) return known.agent;
    const agent = new Agent({
      connect: connectSecurely({ ...identity, servername }, HANDSHAKES_WITHIN),
      keepAliveTimeout: KEPT_FOR,
    });
    connections.set(pod, { identity, agent });
    return agent;
  }

  return {
    async ask(pod, { path, body, within }, signal) {
      const dispatcher = await dispatcherTo(pod);
      const gone = goneOf(pod);
      try {
        const answer = await request(urlOf(pod, path), {
          dispatcher,
          signal: AbortSignal.any([signal, gone, AbortSignal.timeout(within)]),
          ...(body === undefined
            ? { method: 'GET' }
            : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
        });
        const text = await answer.body.text();
        return { status: answer.statusCode, body: text === '' ? undefined : JSON.parse(text) };
      } catch (cause) {
        throw new PodUnreachable(cause instanceof Error ? cause.message : String(cause), { cause });
      }
    },
    async open(pod, path, signal) {
      const dispatcher = await dispatcherTo(pod);
      const { statusCode, body } = await request(urlOf(pod, path), { dispatcher, signal, bodyTimeout: 0 });
      return { status: statusCode, body };
    },
  };
}

function urlOf({ ip, port }: PodAddress, path: string): string {
  return `https://${hostOf(ip)}:${port}${path}`;
}
