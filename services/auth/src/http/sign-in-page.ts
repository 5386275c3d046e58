import { join } from 'node:path';
import express, { Router } from 'express';

/** The built page: its index is asked for each time, so that a new version is seen; the assets carry a hash in their names. */
export function signInPage(directory: string): Router {
  const router = Router();
  router.get(['/', '/index.html'], (_request, response) => {
    response
      .set('cache-control', 'no-cache')
      .sendFile(join(directory, 'index.html'), { cacheControl: false, etag: true });
  });
  router.use(
    '/assets',
    express.static(join(directory, 'assets'), { index: false, redirect: false, immutable: true, maxAge: '1y' }),
  );
  router.use(
    express.static(directory, {
      index: false,
      redirect: false,
      cacheControl: false,
      setHeaders: (response) => {
        response.setHeader('cache-control', 'no-cache');
      },
    }),
  );
  return router;
}
