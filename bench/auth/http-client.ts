import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';

export interface Sent {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  readonly port: number;
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly setCookie: readonly string[];
  /** From before it was sent until its last byte was there. */
  readonly millis: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

export async function send({
  host = '127.0.0.1',
  port,
  method = 'GET',
  path,
  headers = {},
  body,
}: Sent): Promise<Answer> {
  const begun = performance.now();
  const text = body === undefined ? '' : JSON.stringify(body);
  const type = body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  const sent = request({ host, port, method, path, agent, headers: { ...headers, ...type } });
  sent.end(text);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let received = '';
  for await (const chunk of response.setEncoding('utf8')) received += String(chunk);
  return {
    status: response.statusCode ?? 0,
    text: received,
    setCookie: response.headers['set-cookie'] ?? [],
    millis: performance.now() - begun,
  };
}

/** The answer, which must be of that status: a figure about failures would be none. */
export async function sendExpecting(status: number, sent: Sent): Promise<Answer> {
  const answer = await send(sent);
  if (answer.status === status) return answer;
  throw new Error(`${sent.method ?? 'GET'} ${sent.path} answered ${answer.status}, not ${status}: ${answer.text}`);
}

/** As a browser sends them back. */
export function cookiesOf({ setCookie }: Answer): string {
  return setCookie.map((line) => line.split(';', 1)[0]).join('; ');
}
