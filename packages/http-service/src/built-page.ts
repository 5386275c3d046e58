import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import express from 'express';
import type { Router } from 'express';
import { onlyAllowed, refuseOtherMethods } from './allowed-methods.ts';
import { exactRouter } from './exact-router.ts';

/** `<meta>` elements for the head of the index, by name: how a service tells its page what only it knows. */
export type PageMeta = Readonly<Record<string, string>>;

/**
 * A page that vite has built, wherever it is mounted. Browsers ask for its index each time, so that a new version is seen;
 * the assets have a hash in their names.
 */
export function builtPage(directory: string, meta: PageMeta = {}): Router {
  const router = exactRouter();
  let index: Promise<Index> | undefined;
  router.get(['/', '/index.html'], async ({ path, baseUrl, originalUrl }, response) => {
    // Mounted at /shop, the page is at /shop/: relative addresses would otherwise miss it.
    if (path === '/' && originalUrl.split('?', 1)[0] === baseUrl) {
      response.redirect(308, `${baseUrl}/`);
      return;
    }
    index ??= readIndex(directory, meta).catch((error: unknown) => {
      index = undefined;
      throw error;
    });
    const { html, etag } = await index;
    response.set({ 'cache-control': 'no-cache', etag }).type('html').send(html);
  });
  refuseOtherMethods(router);
  router.use('/assets', (request, response, next) => {
    if (request.method === 'GET' || request.method === 'HEAD') next();
    else onlyAllowed(['GET'])(request, response, next);
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

interface Index {
  readonly html: string;
  readonly etag: string;
}

/** Once per process: an image's files never change, and neither does what a process tells its page. */
async function readIndex(directory: string, meta: PageMeta): Promise<Index> {
  const written = await readFile(join(directory, 'index.html'), 'utf8');
  if (!written.includes('</head>')) throw new Error(`read the page ${directory}: its index.html has no </head>`);
  const elements = Object.entries(meta).map(
    ([name, content]) => `<meta name="${text(name)}" content="${text(content)}">`,
  );
  // A function, for `$` in a text must not be read as a pattern.
  const html = written.replace('</head>', () => `${elements.join('')}</head>`);
  return { html, etag: `"${createHash('sha256').update(html).digest('base64url')}"` };
}

function text(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
