import { Router } from 'express';

/**
 * Each of its paths has one spelling: a proxy that is told to keep strangers from `/api/users` must not be sidestepped by
 * `/API/users` or `/api/users/`. Every router of a service is one; Express's own ignore case and a slash at the end.
 */
export function exactRouter(): Router {
  return Router({ caseSensitive: true, strict: true });
}
