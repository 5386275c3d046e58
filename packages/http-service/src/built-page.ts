import { join } from 'node:path';
import express, { Router } from 'express';

/**
 * A page that vite has built, wherever it is mounted. Browsers ask for its index each time, so that a new version is seen;
 * the assets have a hash in their names.
 */
export function builtPage(directory: string): Router {
  const router = Router();
  router.get(['/', '/index.html'], ({ path, baseUrl, originalUrl }, response) => {
    // Mounted at /shop, the page is at /shop/: relative addresses would otherwise miss it.
    if (path === '/' && originalUrl.split('?', 1)[0] === baseUrl) {
      response.redirect(308, `${baseUrl}/`);
      return;
    }
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
