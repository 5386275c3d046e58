import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import { ApiError } from './api-error.ts';
import type { ApiClient, ApiRequest } from './api-request.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { lines } from './lines.ts';
import { honouringRetryAfter, retryAfterOf } from './retry-after.ts';
import type { DatedAnswer } from './server-clock.ts';

export { ApiError, isApiError } from './api-error.ts';
export type { ApiClient, ApiRequest } from './api-request.ts';

export interface ApiClientOptions {
  readonly userAgent: string;
  /** Path of a kubeconfig; absent: $KUBECONFIG, ~/.kube/config or the pod's service account, in this order. */
  readonly kubeconfig?: string;
  /** Called with the outcome of each request. */
  readonly onAnswer?: (answer: Answer) => void;
  /** For the pauses that a busy server asks for, and for how long an answer took. */
  readonly clock?: Clock;
}

/** To one request, as far as its headers tell; a body may follow. */
export interface Answer extends DatedAnswer {
  readonly method: string;
  readonly code: number;
  readonly host: string;
}

const ANSWER_WITHIN = 30_000;
const JSON_MEDIA = { contentType: 'application/json', accept: 'application/json' } as const;

export function createApiClient({ userAgent, kubeconfig, onAnswer, clock = systemClock }: ApiClientOptions): ApiClient {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error('read kubeconfig: its current context names no cluster');
  const { connection, close } = createConnection(config);

  async function call(
    { method, path, query, body, signal, ...media }: ApiRequest,
    bodyTimeout: number,
  ): Promise<Dispatcher.ResponseData> {
    const { contentType, accept } = { ...JSON_MEDIA, ...media };
    const url = new URL(`${server ?? ''}${path}`);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    const { dispatcher, headers } = await connection();
    const sent = clock.monotonic();
    const answer = await request(url, {
      method,
      headers: {
        ...headers,
        accept,
        'user-agent': userAgent,
        ...(body !== undefined && { 'content-type': contentType }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      dispatcher,
      signal,
      headersTimeout: ANSWER_WITHIN,
      bodyTimeout,
    });
    onAnswer?.({ method, code: answer.statusCode, host: url.host, ...datedBy(answer), took: clock.monotonic() - sent });
    if (answer.statusCode < 200 || answer.statusCode > 299) throw await refusal(`${method} ${path}`, answer);
    return answer;
  }

  const client: ApiClient = {
    async send<T>(request: ApiRequest): Promise<T> {
      const { body } = await call(request, ANSWER_WITHIN);
      return (await body.json()) as T;
    },
    async stream(request) {
      // Silence is judged by the reader, who knows how often the server should send something.
      const { body } = await call({ ...request, method: 'GET' }, 0);
      return lines(body);
    },
    close,
  };
  return honouringRetryAfter(client, clock);
}

function datedBy({ headers }: Dispatcher.ResponseData): Pick<DatedAnswer, 'date'> {
  return { date: headers['date']?.toString() };
}

async function refusal(act: string, { statusCode, headers, body }: Dispatcher.ResponseData): Promise<ApiError> {
  const text = await body.text();
  const retryAfter = retryAfterOf(headers['retry-after']);
  const later = retryAfter === undefined ? {} : { retryAfter };
  try {
    const { reason = 'Unknown', message = text } = JSON.parse(text) as { reason?: string; message?: string };
    return new ApiError(act, statusCode, { reason, message, ...later });
  } catch {
    // A proxy in between answers in its own words.
    const message = `${statusCode} ${text.slice(0, 200)}`;
    return new ApiError(act, statusCode, { reason: 'Unknown', message, ...later });
  }
}

interface Connection {
  readonly dispatcher: Dispatcher;
  readonly headers: Record<string, string>;
}

/** Asked before each request: tokens and certificates of kubeconfigs and service accounts change under way. */
function createConnection(config: KubeConfig): {
  readonly connection: () => Promise<Connection>;
  readonly close: () => Promise<void>;
} {
  let current: { readonly key: string; readonly agent: Agent } | undefined;
  const connection = async (): Promise<Connection> => {
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const { ca, cert, key, rejectUnauthorized, servername } = options;
    const connect = { ca, cert, key, rejectUnauthorized, servername };
    const given = Object.fromEntries(Object.entries(connect).filter(([, value]) => value !== undefined));
    const id = createHash('sha256').update(JSON.stringify(given)).digest('hex');
    if (current?.key !== id) {
      void current?.agent.close();
      const keepAlive = { keepAlive: true, keepAliveInitialDelay: 30_000 };
      // Over HTTP/2 everything would share one connection: a long list holds up watches and lease, and when it breaks,
      // all break. (undici 8.13 also ends the process when such a connection is idle after a watch was given up.)
      current = { key: id, agent: new Agent({ allowH2: false, connect: { ...given, ...keepAlive } }) };
    }
    const headers = Object.fromEntries(
      Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    return { dispatcher: current.agent, headers };
  };
  return { connection, close: async () => current?.agent.close() };
}
