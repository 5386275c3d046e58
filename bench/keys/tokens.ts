import { authContract } from '../../services/auth/src/api.ts';
import { PASSWORD } from '../../services/auth/src/testing/world.ts';
import { cookiesOf, sendExpecting } from '../auth/http-client.ts';
import type { Answer } from '../auth/http-client.ts';
import { accountOf, fromPage } from '../auth/subjects.ts';
import type { Token } from './consumers.ts';

/** A token at its very end may be refused by whose clock is a moment ahead, or who began a moment before. */
const AT_THE_END = 1_000;

/** One user whose session is renewed by one pod after the other, each time with a new access token. */
export class TokenSource implements AsyncDisposable {
  private readonly hosts: readonly string[];
  private readonly told: (token: Token) => Promise<unknown>;
  private cookies: string;
  private readonly stopping: AbortController = new AbortController();
  private readonly running: Promise<void>;
  private failure: unknown;
  private signed: string | undefined;

  private constructor(options: TokenSourceOptions, cookies: string) {
    this.hosts = options.hosts;
    this.told = options.told;
    this.cookies = cookies;
    this.running = this.run(1_000 / options.perSecond).catch((error: unknown) => {
      this.failure = error;
    });
  }

  static async start(options: TokenSourceOptions): Promise<TokenSource> {
    const [host = ''] = options.hosts;
    const account = accountOf(0);
    const answer = await sendExpecting(201, {
      ...{ host, port: authContract.publicPort, method: 'POST', path: '/api/users/signup', headers: fromPage(account) },
      body: { email: account.email, password: PASSWORD },
    });
    return new TokenSource(options, cookiesOf(answer));
  }

  /** The key of the token that was issued last. */
  get signingKid(): string | undefined {
    return this.signed;
  }

  /** Throws where no more tokens come, although they should. */
  check(): void {
    if (this.failure !== undefined) throw new Error('issue tokens', { cause: this.failure });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(every: number): Promise<void> {
    for (let turn = 0; !this.stopping.signal.aborted; turn += 1) {
      const token = await this.renewAt(this.hosts[turn % this.hosts.length] ?? '');
      this.signed = token.kid;
      await this.told(token);
      await new Promise((resolve) => setTimeout(resolve, every));
    }
  }

  private async renewAt(host: string): Promise<Token> {
    const headers = { ...fromPage(accountOf(0)), cookie: this.cookies };
    const path = '/api/users/refresh';
    const at = { host, port: authContract.publicPort, method: 'POST', path, headers } as const;
    const answer = await sendExpecting(200, at);
    this.cookies = cookiesOf(answer);
    return tokenIn(answer);
  }
}

export interface TokenSourceOptions {
  /** Of the auth pods. */
  readonly hosts: readonly string[];
  readonly perSecond: number;
  readonly told: (token: Token) => Promise<unknown>;
}

function tokenIn(answer: Answer): Token {
  const text = /(?:^|; )token=([^;]+)/.exec(cookiesOf(answer))?.[1] ?? '';
  const [header = '', claims = ''] = text.split('.');
  const { kid } = decoded(header) as { readonly kid: string };
  const { exp } = decoded(claims) as { readonly exp: number };
  return { text, kid, until: exp * 1000 - AT_THE_END };
}

function decoded(part: string): unknown {
  return JSON.parse(Buffer.from(part, 'base64url').toString());
}
