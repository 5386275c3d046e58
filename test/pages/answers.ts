import type { Page, Route } from 'playwright-core';

/** What of the service's answers is replaced on the way to a page: faults that real services do not have at will. */

interface Answer {
  readonly status: number;
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** From now on this address answers that. */
export async function answer(page: Page, path: string, { status, body = '', headers = {} }: Answer): Promise<void> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  await page.route(matching(path), (route) => route.fulfill({ status, body: text, headers: { ...headers } }));
}

export function problem(code: string, more: object = {}): { readonly code: string } {
  return { code, ...more };
}

/** From now on nobody answers there. */
export async function cutOff(page: Page, path: string): Promise<void> {
  await page.route(matching(path), (route) => route.abort('connectionrefused'));
}

/** From now on this address does not answer yet. */
export async function hold(page: Page, path: string): Promise<void> {
  await page.route(matching(path), () => undefined);
}

/** The real service answers again. */
export async function restore(page: Page, path: string): Promise<void> {
  await page.unroute(matching(path));
}

/** The page as a stack serves it that says nothing about it. */
export async function withoutSettings(page: Page): Promise<void> {
  await page.route(matching('/'), async (route: Route) => {
    const real = await route.fetch();
    await route.fulfill({ response: real, body: (await real.text()).replace(/<meta name="authstack-page"[^>]*>/, '') });
  });
}

const matchers = new Map<string, (url: URL) => boolean>();

/** One function for each path: routes are taken back by identity. */
function matching(path: string): (url: URL) => boolean {
  const matches = matchers.get(path) ?? ((url: URL) => url.pathname === path);
  matchers.set(path, matches);
  return matches;
}
