import type { RequestHandler, Router } from 'express';
import { ServiceError } from './errors.ts';

export class MethodNotAllowed extends ServiceError {
  override readonly code = 'METHOD_NOT_ALLOWED';

  constructor(allowed: string) {
    super(`this path takes ${allowed}`);
  }
}

/**
 * Every path of the router answers the methods that it has no route for with 405 and `Allow` (RFC 9110, section 15.5.6), and
 * OPTIONS with `Allow` alone. To be called after the last route.
 */
export function refuseOtherMethods(router: Router): Router {
  const methodsByPath = new Map<string, Set<string>>();
  for (const { route } of router.stack) {
    if (!route) continue;
    for (const path of [route.path].flat()) {
      const methods = methodsByPath.get(path) ?? new Set();
      for (const { method } of route.stack) methods.add(method.toUpperCase());
      methodsByPath.set(path, methods);
    }
  }
  for (const [path, methods] of methodsByPath) router.all(path, onlyAllowed([...methods]));
  return router;
}

/** `GET` implies `HEAD`. */
export function onlyAllowed(methods: readonly string[]): RequestHandler {
  const allow = [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))].join(', ');
  return (request, response) => {
    response.set('allow', `${allow}, OPTIONS`);
    if (request.method !== 'OPTIONS') throw new MethodNotAllowed(allow);
    response.status(204).end();
  };
}
