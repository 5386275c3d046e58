import { join } from 'node:path';
import { startProgram } from './program.ts';
import type { Program, ProgramOptions } from './program.ts';

export type ConsumerSettings = { readonly perSecond: number } & (
  | { readonly by: 'verify'; readonly directory: string; readonly feed: boolean; readonly cacheSize: number }
  | {
      readonly by: 'jwks';
      /** Each fetch leads to one of them. */
      readonly hosts: readonly string[];
      readonly port: number;
      readonly path: string;
      readonly issuer: string;
      readonly audience: string;
    }
);

export interface Token {
  readonly text: string;
  readonly kid: string;
  /** From then on nobody has to accept it, on Date.now(). */
  readonly until: number;
}

export interface Refusal {
  readonly kid: string;
  readonly why: string;
  readonly at: number;
  /** Those that it had. */
  readonly kids: readonly string[];
}

/** Times are of this machine's clock; everything is by kid. */
export interface ConsumerReport {
  readonly verified: Readonly<Record<string, number>>;
  readonly lastAccepted: Readonly<Record<string, number>>;
  readonly knownSince: Readonly<Record<string, number>>;
  /** Of valid tokens. */
  readonly refused: number;
  /** The first of them. */
  readonly refusals: readonly Refusal[];
  /** Those that it has now. */
  readonly kids: readonly string[];
}

export type ConsumerName = 'feed' | 'feed, cache off' | 'mount alone' | 'polls the key set';

/** The services that verify tokens, each a process of its own. */
export class Consumers implements AsyncDisposable {
  private readonly programs: ReadonlyMap<ConsumerName, Program>;

  private constructor(programs: ReadonlyMap<ConsumerName, Program>) {
    this.programs = programs;
  }

  static async start(
    settings: Readonly<Record<ConsumerName, ConsumerSettings>>,
    { folder, names }: Pick<ProgramOptions, 'names'> & { readonly folder: string },
  ): Promise<Consumers> {
    const started = Object.entries(settings).map(async ([name, of], index) => {
      const log = join(folder, `consumer-${index}.log`);
      const program = await startProgram({ file: 'consumer-process.ts', settings: of, names, log });
      return [name as ConsumerName, program] as const;
    });
    return new Consumers(new Map(await Promise.all(started)));
  }

  /** Of tokens that are to be accepted from now on. */
  async tell(tokens: readonly Token[]): Promise<void> {
    await this.askAll('/tokens', tokens);
  }

  /** Tokens of that key need not be accepted from now on, and are tried all the same. */
  async expectRevocation(kid: string): Promise<void> {
    await this.askAll('/revoked', { kid });
  }

  reports(): Promise<ReadonlyMap<ConsumerName, ConsumerReport>> {
    return this.askAll<ConsumerReport>('/report');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.programs.values()) await program[Symbol.asyncDispose]();
  }

  private async askAll<Answer>(path: string, body?: unknown): Promise<ReadonlyMap<ConsumerName, Answer>> {
    const answers = [...this.programs].map(async ([name, program]) => {
      return [name, await program.ask<Answer>(path, body)] as const;
    });
    return new Map(await Promise.all(answers));
  }
}
