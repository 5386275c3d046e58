import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Nothing but what a page itself brings may run, be shown, or be talked to; no frame may hold it. `origin` is asked for each
 * request: a service may learn only later under which address browsers reach it.
 */
export function securityHeaders(origin: () => string | undefined): RequestHandler {
  const onHttps = headers({ isHttps: true });
  const onHttp = headers({ isHttps: false });
  return (request, response, next) => {
    const apply = origin()?.startsWith('https:') === true ? onHttps : onHttp;
    apply(request, response, next);
  };
}

function headers({ isHttps }: { readonly isHttps: boolean }): RequestHandler {
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
