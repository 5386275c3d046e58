import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { JWTVerifyGetKey } from 'jose';

export interface Settings {
  readonly issuer: string;
  readonly audience: string;
  readonly port: number;
}

export interface KeySetReader extends AsyncDisposable {
  readonly url: string;
}

/**
 * A service that is none of ours, with jose: it finds the key set by discovery, keeps it for as long as its Cache-Control says,
 * and fetches it at no other time, for a kid that it does not know neither. 502: it cannot fetch it.
 */
export async function startKeySetReader({ port, ...settings }: Settings): Promise<KeySetReader> {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  // Whatever fails is tried again with the next token.
  const keySet = (): Promise<JWTVerifyGetKey> =>
    (keys ??= keySetOf(settings.issuer).catch((error: unknown) => {
      keys = undefined;
      throw error;
    }));
  const server = createServer((request, response) => {
    const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    void verdictOn(token, { ...settings, keySet }).then(({ status, code }) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ code }));
    });
  });
  server.listen(port);
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

interface Verification extends Pick<Settings, 'issuer' | 'audience'> {
  readonly keySet: () => Promise<JWTVerifyGetKey>;
}

interface Verdict {
  readonly status: number;
  readonly code: string;
}

async function verdictOn(token: string, { issuer, audience, keySet }: Verification): Promise<Verdict> {
  try {
    await jwtVerify(token, await keySet(), { issuer, audience, typ: 'at+jwt' });
    return { status: 200, code: 'OK' };
  } catch (error) {
    const isOfToken = error instanceof errors.JOSEError && refusals.has(error.code);
    return { status: isOfToken ? 401 : 502, code: error instanceof errors.JOSEError ? error.code : String(error) };
  }
}

/** What a token is refused with; anything else says that the key set could not be had. */
const refusals: ReadonlySet<string> = new Set([
  errors.JWKSNoMatchingKey.code,
  errors.JWSInvalid.code,
  errors.JWSSignatureVerificationFailed.code,
  errors.JWTClaimValidationFailed.code,
  errors.JWTExpired.code,
  errors.JWTInvalid.code,
]);

async function keySetOf(issuer: string): Promise<JWTVerifyGetKey> {
  const discovered = await answered(`${issuer}/.well-known/openid-configuration`);
  const { jwks_uri: uri } = (await discovered.json()) as { jwks_uri: string };
  const { headers } = await answered(uri);
  const [, seconds] = /max-age=(\d+)/.exec(headers.get('cache-control') ?? '') ?? [];
  if (seconds === undefined) throw new Error(`${uri} does not say how long it may be kept`);
  const maxAge = Number(seconds) * 1000;
  return createRemoteJWKSet(new URL(uri), { cacheMaxAge: maxAge, cooldownDuration: maxAge });
}

async function answered(url: string): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return response;
}
