import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import * as https from 'node:https';
import type { RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import * as tls from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { bodyOf } from './body.ts';
import type { Clock } from './clock.ts';
import { connectTo } from './connect.ts';
import type { ConnectOptions } from './connect.ts';
import { authorizationOf, identificationOf } from './credential.ts';
import type { CredentialPlace, Identification } from './credential.ts';
import { ClientRefused } from './errors.ts';
import { isRecord, parseJson } from './json.ts';
import type { Connect, KeptConnection } from './kept-connection.ts';
import type { Trust } from './trust.ts';

export interface ServiceClientOptions extends CredentialPlace {
  readonly clock: Clock;
  /** Called when the auth service refuses this service, once for each reason until it is let in again. */
  readonly refused: (clientId: string, reason: string) => void;
}

export interface ServiceRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Ends the exchange, however far it is: the connection, and an answer that is being read. */
  readonly signal: AbortSignal;
  /**
   * The connection to send it over; absent: one of its own. A kept one may have ended meanwhile, or lead to a pod that is gone, which
   * only the want of an answer tells: so it is for what can be sent twice, and need not be answered at once.
   */
  readonly over?: KeptConnection;
}

/** `refused`: why the auth service refuses it, in its words, until it lets this service in again. */
export type ClientStatus = Identification & { readonly refused?: string };

/** Of a problem document; what is longer is none. */
const MAX_PROBLEM_BYTES = 16_384;
/** Of what is passed on to logs. */
const MAX_DETAIL_LENGTH = 500;

/**
 * This service as a client of the auth service's listener for services. A 401 there is always about this service and never about
 * a user, so it is told apart here, for whatever is asked.
 */
export class ServiceClient {
  private readonly options: ServiceClientOptions;
  private refusal: string | undefined;

  constructor(options: ServiceClientOptions) {
    this.options = options;
  }

  statusFor(trust: Trust): ClientStatus {
    const identification = identificationOf(this.options, trust);
    return { ...identification, ...(this.refusal !== undefined && { refused: this.refusal }) };
  }

  /**
   * The answer, its body unread; of any status but 401. Throws ClientUnidentified, ClientRefused, the failure of the
   * connection, or the reason of `signal`.
   */
  async send(request: ServiceRequest, trust: Trust): Promise<IncomingMessage> {
    const authorization = await authorizationOf(this.options, trust);
    const identified = { ...request, headers: { ...request.headers, ...authorization } };
    const way = await this.wayFor(request, trust);
    const response = await exchange(new URL(`${trust.authUrl}${request.path}`), identified, way);
    if (response.statusCode === 401) throw this.refusedBy(await detailOf(response), trust);
    this.refusal = undefined;
    return response;
  }

  private async wayFor({ over, signal }: ServiceRequest, trust: Trust): Promise<Way> {
    const connect: Connect = (to, until) => encryptedTo(to, { clock: this.options.clock, signal: until });
    if (over) return { agent: over.agentFor(trust, connect) };
    const socket = await connect(trust, signal);
    return { createConnection: () => socket };
  }

  private refusedBy(detail: string, trust: Trust): ClientRefused {
    const clientId = trust.clientId ?? '';
    if (this.refusal !== detail) {
      this.refusal = detail;
      this.options.refused(clientId, detail);
    }
    return new ClientRefused(`the auth service refuses this service, which says it is ${clientId}: ${detail}`);
  }
}

/**
 * Nothing is written to it before the certificate is known to be of the stack and for this name. Without `ca` nobody is
 * believed, least of all those whom the machine believes.
 */
async function encryptedTo({ authUrl, ca }: Trust, options: ConnectOptions): Promise<TLSSocket> {
  const { signal } = options;
  const url = new URL(authUrl);
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const connected = await connectTo({ host, port: Number(url.port) || 443 }, options);
  const socket = tls.connect({ socket: connected, host, servername: isIP(host) === 0 ? host : '', ca: ca ? [ca] : [] });
  // Whoever uses it listens too; until then an error must find somebody.
  socket.on('error', () => undefined);
  try {
    await once(socket, 'secureConnect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    connected.destroy();
    throw signal.aborted ? signal.reason : error;
  }
}

/** A connection of its own, or one that is kept. */
type Way = Pick<RequestOptions, 'createConnection' | 'agent'>;

async function exchange(url: URL, request: ServiceRequest, way: Way): Promise<IncomingMessage> {
  const { method, signal } = request;
  const text = request.body === undefined ? undefined : JSON.stringify(request.body);
  const headers = {
    ...request.headers,
    ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  };
  const sent = https.request(url, { method, headers, signal, ...way });
  // After the answer has begun an error ends that, and whoever reads it is told.
  sent.on('error', () => undefined).end(text);
  try {
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response.on('error', () => undefined);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    // The listener had ended it, which nobody could know; each time there is one kept connection less, and then a new one.
    if (sent.reusedSocket) return exchange(url, request, way);
    throw error;
  }
}

async function detailOf(response: IncomingMessage): Promise<string> {
  const problem = parseJson(await bodyOf(response, MAX_PROBLEM_BYTES).catch(() => ''));
  const detail = isRecord(problem) ? problem['detail'] : undefined;
  return typeof detail === 'string' ? detail.slice(0, MAX_DETAIL_LENGTH) : 'it does not say why';
}
