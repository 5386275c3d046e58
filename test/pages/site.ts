import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { buildPage } from '../../cluster/images.ts';
import { consumerSecret } from '../../packages/verify/src/testing/secret-mount.ts';
import { startStack } from '../../services/auth/src/testing/stack.ts';
import { openShop, premises } from '../../services/orders/src/testing/shop.ts';
import { tool } from '../support/tools.ts';

/** The product's page and the demo's under one origin, each served by its service, and a browser to visit them. */
export interface Site extends AsyncDisposable {
  readonly origin: string;
  visit(viewport?: { readonly width: number; readonly height: number }): Promise<Page>;
}

/**
 * ```
 *             ┌─▸ /shop, /api/orders ─▸ orders ── jwks, refresh ──┐
 * browser ─▸ gateway                                              ▾
 *             └─▸ everything else ────▸ auth ── one mongod
 * ```
 */
export async function openSite(): Promise<Site> {
  await using resources = new AsyncDisposableStack();
  const pages = await mkdtemp(join(tmpdir(), 'pages-'));
  resources.defer(() => rm(pages, { recursive: true, force: true }));
  for (const page of ['sign-in', 'shop'] as const) await buildPage(page, join(pages, page));

  const gateway = createServer();
  await once(gateway.listen(0, '127.0.0.1'), 'listening');
  resources.defer(() => close(gateway));
  const origin = `http://localhost:${(gateway.address() as AddressInfo).port}`;

  const environment = { AUTHSTACK_ISSUER: origin, AUTHSTACK_SIGN_IN_DIR: join(pages, 'sign-in') };
  const stack = resources.use(await startStack({ environment }));
  const [auth] = stack.pods;
  const jwks = await (await fetch(`${auth.url}/.well-known/jwks.json`)).text();
  const cookieNames = '{"token":"token","session":"session"}';
  const secret = { 'jwks.json': jwks, issuer: origin, origin, 'cookie-names': cookieNames, 'auth-url': auth.url };
  const place = resources.use(await premises(consumerSecret([], secret)));
  const shopSettings = { ...place.environment, ORDERS_SHOP_DIR: join(pages, 'shop') };
  const shop = resources.use(await openShop({ ...place, environment: shopSettings }));
  gateway.on('request', (from: IncomingMessage, to: ServerResponse) => {
    forward(/^\/(api\/orders|shop)/.test(from.url ?? '') ? shop.url : auth.url, from, to);
  });

  const browser = await openBrowser();
  resources.defer(() => browser.close());
  const open = resources.move();
  return {
    origin,
    async visit(viewport = { width: 1200, height: 800 }) {
      const context = await browser.newContext({ viewport });
      context.setDefaultTimeout(30_000);
      return context.newPage();
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await tool('chromium'),
    // Chromium refuses its own sandbox to root, and looks for its vendor's hosts at each start.
    args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-background-networking', '--no-first-run'],
  });
}

function forward(upstream: string, from: IncomingMessage, to: ServerResponse): void {
  const { method, headers, url = '/' } = from;
  const outgoing = request(upstream + url, { method, headers }, (answer) => {
    to.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(to);
  });
  outgoing.on('error', () => to.destroy());
  from.pipe(outgoing);
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
