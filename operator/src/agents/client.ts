import { agentContract, keyfileReply, observation, problem } from '@authstack/mongodb-agent/api';
import type { Observation } from '@authstack/mongodb-agent/api';
import { Agent, request } from 'undici';
import { namesOf } from '../api/names.ts';
import { podKind } from '../runtime/core-kinds.ts';
import { lines } from '../runtime/lines.ts';
import type { PerObjectOf } from '../runtime/manager.ts';
import type { Millis, ObjectRef } from '../runtime/objects.ts';
import { connectSecurely, hostOf } from '../runtime/pod-connection.ts';

/** Where the agent of a member answers. */
export interface AgentAddress {
  /** Of pod and member, which its certificate names. */
  readonly name: string;
  readonly ip: string;
}

/** PEM texts with which the operator authenticates to the agents of one stack. */
export interface AgentIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** An agent refused, or could not be asked. */
export class AgentError extends Error {
  override readonly name: string = 'AgentError';
  /** Of the agent's contract, or `UNREACHABLE`. */
  readonly code: string;

  constructor(act: string, { code, detail, cause }: { code: string; detail: string; cause?: unknown }) {
    super(`${act}: ${detail}`, { cause });
    this.code = code;
  }
}

interface Call {
  readonly signal: AbortSignal;
}

export interface AgentClient {
  /** `unknown` for every member that does not answer in time, whatever the reason. */
  observe(stack: ObjectRef, member: AgentAddress, call: Call): Promise<Observation | 'unknown'>;
  /** What the agent streams of its mongod, a line for each change (`watchedMongod`); throws where it cannot be opened. */
  watch(stack: ObjectRef, member: AgentAddress, call: Call): Promise<AsyncIterable<string>>;
  /** One of the agent's commands; throws `AgentError`. */
  command(stack: ObjectRef, command: AgentCommand, call: Call): Promise<void>;
  /** The keyfile that this member's mongod runs with; throws `AgentError`. */
  keyfile(stack: ObjectRef, member: AgentAddress, call: Call): Promise<string>;
}

export interface AgentCommand {
  readonly member: AgentAddress;
  readonly path: (typeof agentContract.paths)[keyof typeof agentContract.paths];
  readonly body: unknown;
}

const ANSWERS_WITHIN: Millis = 2_000;

export interface AgentClientPorts {
  readonly identityOf: (stack: ObjectRef) => Promise<AgentIdentity | undefined>;
  readonly perObject: PerObjectOf;
}

interface Connections {
  readonly identity: AgentIdentity;
  readonly agent: Agent;
}

export function createAgentClient({ identityOf, perObject }: AgentClientPorts): AgentClient {
  /** To each member's pod. They are closed when it is gone, and when the identity is a new one. */
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

  async function dispatcherTo(stack: ObjectRef, { name }: AgentAddress): Promise<Agent | undefined> {
    const identity = await identityOf(stack);
    if (!identity) return undefined;
    const pod = { ...stack, name };
    const known = connections.get(pod);
    if (known?.identity === identity) return known.agent;
    const servername = `${name}.${namesOf(stack.name).mongodb}.${stack.namespace ?? ''}.svc`;
    const agent = new Agent({
      connect: connectSecurely({ ...identity, servername }, ANSWERS_WITHIN),
      keepAliveTimeout: 30_000,
    });
    connections.set(pod, { identity, agent });
    return agent;
  }

  async function call(
    stack: ObjectRef,
    { member, path, ...rest }: Omit<AgentCommand, 'body'> & { body?: unknown; within: Millis },
    signal: AbortSignal,
  ): Promise<unknown> {
    const act = `${path} of ${member.name}`;
    const dispatcher = await dispatcherTo(stack, member);
    if (!dispatcher) {
      throw new AgentError(act, { code: 'UNREACHABLE', detail: 'the stack has no certificate authority yet' });
    }
    const gone = goneOf({ ...stack, name: member.name });
    const send = async (): Promise<{ status: number; body: unknown }> => {
      const answer = await request(urlOf(member, path), {
        dispatcher,
        signal: AbortSignal.any([signal, gone, AbortSignal.timeout(rest.within)]),
        ...(rest.body === undefined
          ? { method: 'GET' }
          : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(rest.body) }),
      });
      const text = await answer.body.text();
      return { status: answer.statusCode, body: text === '' ? undefined : JSON.parse(text) };
    };
    const { status, body } = await send().catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AgentError(act, { code: 'UNREACHABLE', detail: `the agent did not answer: ${reason}`, cause });
    });
    if (status < 300) return body;
    const refusal = problem.safeParse(body);
    const { code, detail } = refusal.success ? refusal.data : { code: 'INTERNAL', detail: `it answered ${status}` };
    throw new AgentError(act, { code, detail });
  }

  return {
    async observe(stack, member, { signal }) {
      try {
        const path = agentContract.paths.observation;
        const answer = observation.safeParse(await call(stack, { member, path, within: ANSWERS_WITHIN }, signal));
        return answer.success ? answer.data : 'unknown';
      } catch (error) {
        if (error instanceof AgentError) return 'unknown';
        throw error;
      }
    },
    async watch(stack, member, { signal }) {
      const path = agentContract.paths.watch;
      const act = `${path} of ${member.name}`;
      const dispatcher = await dispatcherTo(stack, member);
      if (!dispatcher) {
        throw new AgentError(act, { code: 'UNREACHABLE', detail: 'the stack has no certificate authority yet' });
      }
      // Who reads it judges silence.
      const { statusCode, body } = await request(urlOf(member, path), { dispatcher, signal, bodyTimeout: 0 });
      if (statusCode === 200) return lines(body);
      await body.dump();
      throw new AgentError(act, { code: 'NOT_FOUND', detail: `it answered ${statusCode}` });
    },
    async command(stack, command, { signal }) {
      await call(stack, { ...command, within: agentContract.slowestAnswerMillis }, signal);
    },
    async keyfile(stack, member, { signal }) {
      const path = agentContract.paths.keyfile;
      const answer = await call(stack, { member, path, body: {}, within: ANSWERS_WITHIN }, signal);
      return keyfileReply.parse(answer).keyfile;
    },
  };
}

function urlOf({ ip }: AgentAddress, path: string): string {
  return `https://${hostOf(ip)}:${agentContract.apiPort}${path}`;
}
