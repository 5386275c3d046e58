import { agentContract, keyfileReply, observation, problem } from '@authstack/mongodb-agent/api';
import type { Observation } from '@authstack/mongodb-agent/api';
import { namesOf } from '../api/names.ts';
import { lines } from '../runtime/lines.ts';
import type { Millis, ObjectRef } from '../runtime/objects.ts';
import { PodUnreachable } from '../runtime/pod-client.ts';
import type { PodAddress, PodClient, PodQuestion } from '../runtime/pod-client.ts';

/** Where the agent of a member answers. */
export interface AgentAddress {
  /** Of pod and member, which its certificate names. */
  readonly name: string;
  readonly ip: string;
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

export function createAgentClient(pods: PodClient): AgentClient {
  const unreachable = (act: string, error: unknown): never => {
    if (!(error instanceof PodUnreachable)) throw error;
    throw new AgentError(act, {
      code: 'UNREACHABLE',
      detail: `the agent did not answer: ${error.message}`,
      cause: error,
    });
  };

  async function call(
    stack: ObjectRef,
    { member, ...question }: { readonly member: AgentAddress } & PodQuestion,
    signal: AbortSignal,
  ): Promise<unknown> {
    const act = `${question.path} of ${member.name}`;
    const asked = pods.ask(podOf(stack, member), question, signal);
    const { status, body } = await asked.catch((error: unknown) => unreachable(act, error));
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
      const opened = pods.open(podOf(stack, member), path, signal);
      const { status, body } = await opened.catch((error: unknown) => unreachable(act, error));
      if (status === 200) return lines(body);
      await body.dump();
      throw new AgentError(act, { code: 'NOT_FOUND', detail: `it answered ${status}` });
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

/** The certificate of the agents has a name for each member. */
function podOf(stack: ObjectRef, { name, ip }: AgentAddress): PodAddress {
  const servername = `${name}.${namesOf(stack.name).mongodb}.${stack.namespace ?? ''}.svc`;
  return { ...stack, name, ip, port: agentContract.apiPort, servername, owner: stack };
}
