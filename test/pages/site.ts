import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { request as send } from 'undici';
import { buildPage } from '../../cluster/images.ts';
import { consumerSecret } from '../../packages/verify/src/testing/secret-mount.ts';
import { authContract } from '../../services/auth/src/api.ts';
import type { SigningAlgorithm } from '../../services/auth/src/keys/key-ring.ts';
import { startStack } from '../../services/auth/src/testing/stack.ts';
import { openShop, premises } from '../../services/orders/src/testing/shop.ts';
import { tool } from '../support/tools.ts';

/** The product's page and the demo's under one origin, each served by its service, and a browser to visit them. */
export interface Site extends AsyncDisposable {
  readonly origin: string;
  /** A page of a browser of its own. */
  visit(options?: VisitOptions): Promise<Page>;
  /** A page of a browser of its own, on which that person has signed in: the page of the account. */
  visitAs(email: string): Promise<Page>;
  /** Signs up, without a page. */
  signUp(email: string): Promise<void>;
  /** Signs in as a client that is no browser. */
  signInByClient(email: string, userAgent: string): Promise<void>;
  /** Somebody signs in with the right password, or a wrong one, from the network of this page or of their own; answers the status. */
  tryToSignIn(email: string, how?: { readonly password?: string; readonly from?: Page }): Promise<number>;
  /** As if the last who gave a wrong password had given so many. */
  countGuesses(guesses: number): Promise<void>;
  /** The database stands still while this is done. */
  withoutDatabase(work: () => Promise<void>): Promise<void>;
  /** Writes into the stored user what no route of the service writes yet. */
  change(email: string, fields: Readonly<Record<string, unknown>>): Promise<void>;
}

export interface SiteOptions {
  readonly algorithm?: SigningAlgorithm;
  /** For an issuer; `shop` is among them. */
  readonly audiencesOf?: (issuer: string) => readonly string[];
}

export interface VisitOptions {
  readonly width?: number;
  readonly height?: number;
}

export const PASSWORD = 'correct horse battery';
/** What the stack says about its page. */
export const page = { title: 'Ticket world', color: '#b45309', supportUrl: 'mailto:help@example.com' } as const;
export const PASSWORD_MIN_LENGTH = 12;

/**
 * ```
 *             ┌─▸ /shop, /api/orders ─▸ orders ── jwks ───────────┐
 * browser ─▸ gateway                                              ▾
 *             └─▸ everything else ────▸ auth ── one mongod
 * ```
 */
export async function openSite({ algorithm, audiencesOf = () => ['shop'] }: SiteOptions = {}): Promise<Site> {
  await using resources = new AsyncDisposableStack();
  const pages = await mkdtemp(join(tmpdir(), 'pages-'));
  resources.defer(() => rm(pages, { recursive: true, force: true }));
  for (const page of ['sign-in', 'shop'] as const) await buildPage(page, join(pages, page));

  const gateway = createServer();
  await once(gateway.listen(0, '127.0.0.1'), 'listening');
  resources.defer(() => close(gateway));
  const origin = `http://localhost:${(gateway.address() as AddressInfo).port}`;

  const environment = {
    AUTHSTACK_ISSUER: origin,
    AUTHSTACK_AUDIENCES: audiencesOf(origin).join(','),
    AUTHSTACK_SIGN_IN_DIR: join(pages, 'sign-in'),
    AUTHSTACK_PAGE_TITLE: page.title,
    AUTHSTACK_PAGE_COLOR: page.color,
    AUTHSTACK_PAGE_SUPPORT_URL: page.supportUrl,
    AUTHSTACK_PASSWORD_MIN_LENGTH: String(PASSWORD_MIN_LENGTH),
    // The gateway; each visitor has an address of their own.
    AUTHSTACK_TRUSTED_PROXIES: '127.0.0.0/8',
  };
  const stack = resources.use(await startStack({ environment, ...(algorithm && { algorithm }) }));
  const [auth] = stack.pods;
  const jwks = await (await fetch(`${auth.url}/.well-known/jwks.json`)).text();
  const cookieNames = '{"token":"token","session":"session"}';
  const secret = { 'jwks.json': jwks, issuer: origin, origin, 'cookie-names': cookieNames };
  const place = resources.use(await premises(consumerSecret([], secret)));
  const shopSettings = { ...place.environment, ORDERS_SHOP_DIR: join(pages, 'shop') };
  const shop = resources.use(await openShop({ ...place, environment: shopSettings }));
  gateway.on('request', (from: IncomingMessage, to: ServerResponse) => {
    forward(/^\/(api\/orders|shop)/.test(from.url ?? '') ? shop.url : auth.url, from, to);
  });

  const browser = await openBrowser();
  resources.defer(() => browser.close());
  const database = resources.adopt(new MongoClient(stack.database.uri), (client) => client.close());
  const users = database.db(authContract.defaultDatabase).collection(authContract.usersCollection);
  const counters = database.db(authContract.defaultDatabase).collection('throttles');

  let visitors = 0;
  function anAddress(): Readonly<Record<string, string>> {
    visitors += 1;
    return { 'x-forwarded-for': `198.${18 + (visitors >> 8)}.${visitors & 255}.7` };
  }

  const addresses = new WeakMap<Page, Readonly<Record<string, string>>>();

  async function post(path: string, body: object, headers: Readonly<Record<string, string>>): Promise<void> {
    const { status, text } = await ask(path, body, headers);
    if (status >= 400) throw new Error(`${path} answered ${status}: ${text}`);
  }

  async function ask(
    path: string,
    body: object,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ readonly status: number; readonly text: string }> {
    // Not `fetch`, which says of itself that it is a browser (Sec-Fetch-Mode).
    const answer = await send(origin + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...anAddress(), ...headers },
      body: JSON.stringify(body),
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  }

  async function visit({ width = 1200, height = 800 }: VisitOptions = {}): Promise<Page> {
    const viewport = { width, height };
    const address = anAddress();
    const context = await browser.newContext({ viewport, extraHTTPHeaders: { ...address }, locale: 'en-GB' });
    context.setDefaultTimeout(30_000);
    const page = await context.newPage();
    addresses.set(page, address);
    return page;
  }

  const open = resources.move();
  return {
    origin,
    visit,
    async visitAs(email) {
      const page = await visit();
      await page.goto(`${origin}/`);
      await page.getByLabel('Email').fill(email);
      await page.getByLabel(/^Password/).fill(PASSWORD);
      await page.keyboard.press('Enter');
      await page.getByText('This device').waitFor();
      return page;
    },
    signUp: (email) => post('/api/users/signup', { email, password: PASSWORD }, { origin }),
    signInByClient: (email, userAgent) =>
      post(
        '/api/users/signin',
        { email, password: PASSWORD },
        { 'authstack-delivery': 'body', 'user-agent': userAgent },
      ),
    async tryToSignIn(email, { password = PASSWORD, from } = {}) {
      const headers = { 'authstack-delivery': 'body', ...(from && addresses.get(from)) };
      return (await ask('/api/users/signin', { email, password }, headers)).status;
    },
    async countGuesses(guesses) {
      const last = { sort: { _id: -1 } } as const;
      const changed = await counters.findOneAndUpdate(
        { key: /^failures:address_on_account:/ },
        { $set: { points: guesses } },
        last,
      );
      if (!changed) throw new Error('nobody has given a wrong password');
    },
    async withoutDatabase(work) {
      const { pid } = await stack.database.primary();
      process.kill(pid, 'SIGSTOP');
      try {
        await work();
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    },
    async change(email, fields) {
      const { matchedCount } = await users.updateOne({ email }, { $set: fields });
      if (matchedCount !== 1) throw new Error(`${email} has no account`);
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

export async function openBrowser(): Promise<Browser> {
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
