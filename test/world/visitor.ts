import { request } from 'undici';
import { SLOWNESS } from './eventually.ts';

/** How long somebody waits for a page, in milliseconds. */
const TIMEOUT = 15_000 * SLOWNESS;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Person {
  readonly email: string;
  readonly password: string;
}

/** Somebody with a browser: keeps cookies, sends what browsers send with requests of the page's own origin. */
export class Visitor {
  private readonly cookies = new Map<string, string>();
  private readonly entry: string;
  private readonly origin: string;

  /** @param entry where the gateway listens, `http://127.0.0.1:8081`; @param origin what the browser's bar shows. */
  constructor(entry: string, origin: string) {
    this.entry = entry;
    this.origin = origin;
  }

  get(path: string): Promise<Answer> {
    return this.send('GET', path);
  }

  post(path: string, body?: unknown): Promise<Answer> {
    return this.send('POST', path, body);
  }

  signUp(person: Person): Promise<Answer> {
    return this.post('/api/users/signup', person);
  }

  signIn(person: Person): Promise<Answer> {
    return this.post('/api/users/signin', person);
  }

  /** The value of a cookie that was set; `token` is the access token. */
  cookie(name: 'token' | 'session'): string {
    const value = this.cookies.get(name);
    if (value === undefined) throw new Error(`${this.origin} set no cookie ${name}`);
    return value;
  }

  private async send(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
    const answer = await request(new URL(path, this.entry), {
      method,
      headers: {
        host: new URL(this.origin).host,
        origin: this.origin,
        'sec-fetch-site': 'same-origin',
        cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      headersTimeout: TIMEOUT,
      bodyTimeout: TIMEOUT,
    });
    this.keep(answer.headers['set-cookie']);
    const text = await answer.body.text();
    return { status: answer.statusCode, body: parsed(text), headers: answer.headers };
  }

  private keep(setCookie: string | string[] | undefined): void {
    for (const line of [setCookie ?? []].flat()) {
      const [pair = '', ...attributes] = line.split('; ');
      const name = pair.slice(0, pair.indexOf('='));
      const ended = attributes.some((attribute) => /^(max-age=0$|expires=.* 1970 )/i.test(attribute));
      if (ended) this.cookies.delete(name);
      else this.cookies.set(name, pair.slice(name.length + 1));
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
