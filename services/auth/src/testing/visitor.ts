import supertest from 'supertest';
import type { Response } from 'supertest';
import { expectDocumented } from './documented.ts';
import { anEmail, ORIGIN, PASSWORD } from './world.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly setCookie: readonly string[];
}

export interface Sent {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Reachable {
  readonly url: string;
  /** Of a service that publishes no OpenAPI document; a pod of the auth service always does. */
  readonly isUndocumented?: true;
}

/** One request with exactly these headers, cookies of nobody. */
export async function send(pod: Reachable, request: string, { body, headers = {} }: Sent = {}): Promise<Answer> {
  const [method = 'GET', path = '/'] = request.split(' ');
  const test = supertest(pod.url)
    [method.toLowerCase() as 'get'](path)
    .set({ ...headers });
  // A string is sent as it is, for bodies that are not JSON.
  const response: Response = await (body === undefined ? test : test.send(body as object));
  const answer: Answer = {
    status: response.status,
    body: response.type.includes('json') ? (JSON.parse(response.text) as unknown) : response.text,
    headers: response.headers,
    setCookie: ((response.headers as Record<string, unknown>)['set-cookie'] as string[] | undefined) ?? [],
  };
  const exchange = { url: pod.url, method, path, sent: body, sentHeaders: headers, answer };
  if (!pod.isUndocumented) await expectDocumented(exchange);
  return answer;
}

export const fromPage = { origin: ORIGIN, 'sec-fetch-site': 'same-origin' } as const;

/** A browser on a page of the stack: keeps cookies, whichever pod answers. */
export class Visitor {
  readonly cookies = new Map<string, string>();
  readonly email = anEmail();

  async on(pod: Reachable, request: string, sent: Sent = {}): Promise<Answer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...fromPage, ...(cookie !== '' && { cookie }), ...sent.headers };
    const answer = await send(pod, request, { ...sent, headers });
    for (const line of answer.setCookie) this.keep(line);
    return answer;
  }

  signUp(pod: Reachable): Promise<Answer> {
    return this.on(pod, 'POST /api/users/signup', { body: { email: this.email, password: PASSWORD } });
  }

  signIn(pod: Reachable): Promise<Answer> {
    return this.on(pod, 'POST /api/users/signin', { body: { email: this.email, password: PASSWORD } });
  }

  refresh(pod: Reachable): Promise<Answer> {
    return this.on(pod, 'POST /api/users/refresh');
  }

  async isSignedIn(pod: Reachable): Promise<boolean> {
    const { body } = await this.on(pod, 'GET /api/users/currentuser');
    return (body as { currentUser: unknown }).currentUser !== null;
  }

  /** The same person's browser, with the cookies as they are now. */
  copy(): Visitor {
    const copy = new Visitor();
    for (const [name, value] of this.cookies) copy.cookies.set(name, value);
    return copy;
  }

  get session(): string | undefined {
    return this.cookies.get('session');
  }

  get token(): string {
    return this.cookies.get('token') ?? '';
  }

  private keep(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (/expires=thu, 01 jan 1970/i.test(line)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

export async function newcomer(pod: Reachable): Promise<Visitor> {
  const visitor = new Visitor();
  const { status, body } = await visitor.signUp(pod);
  if (status !== 201) throw new Error(`sign-up answered ${status}: ${JSON.stringify(body)}`);
  return visitor;
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return part(token, 1);
}

export function headerOf(token: string): Record<string, unknown> {
  return part(token, 0);
}

function part(token: string, index: number): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString()) as Record<string, unknown>;
}
