import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';

export type Headers = Readonly<Record<string, string>>;

/**
 * Nothing but what a page itself brings may run, be shown, or be talked to; no frame may hold it. `origin` is asked for each
 * request: a service may learn only later under which address browsers reach it.
 */
export function securityHeaders(origin: () => string | undefined): () => Headers {
  const onHttps = headersOf({ isHttps: true });
  const onHttp = headersOf({ isHttps: false });
  return () => (origin()?.startsWith('https:') === true ? onHttps : onHttp);
}

/** As helmet sets them. They depend on nothing of a request, so it is asked once and not for each. */
function headersOf({ isHttps }: { readonly isHttps: boolean }): Headers {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  helmetFor({ isHttps })(request, response, (error) => {
    if (error !== undefined) throw new TypeError('helmet takes none of its options', { cause: error });
  });
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]));
}

function helmetFor({ isHttps }: { readonly isHttps: boolean }): ReturnType<typeof helmet> {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    strictTransportSecurity: isHttps && { maxAge: 31_536_000, includeSubDomains: false },
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    // Meaningless without a trustworthy origin; browsers complain on http.
    crossOriginOpenerPolicy: isHttps && { policy: 'same-origin' },
    originAgentCluster: isHttps,
  });
}
