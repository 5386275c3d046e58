import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { variables } from '../api.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { send } from '../testing/visitor.ts';
import type { Answer } from '../testing/visitor.ts';
import { anEmail, ORIGIN, PASSWORD, startReadyPod } from '../testing/world.ts';
import type { Pod } from '../testing/world.ts';

/** Keeps cookies by name and path, and sends those of the longer path first, as browsers do (RFC 6265 section 5.4). */
class Browser {
  private readonly cookies = new Map<string, { readonly pair: string; readonly path: string }>();
  private readonly origin: string;

  constructor(origin: string) {
    this.origin = origin;
  }

  async on(pod: Pod, request: string, body?: object): Promise<Answer> {
    const sent = [...this.cookies.values()].toSorted((one, other) => other.path.length - one.path.length);
    const cookie = sent.map(({ pair }) => pair).join('; ');
    const headers = { origin: this.origin, 'sec-fetch-site': 'same-origin', ...(cookie !== '' && { cookie }) };
    const answer = await send(pod, request, { headers, ...(body && { body }) });
    for (const line of answer.setCookie) this.keep(line);
    return answer;
  }

  /** Name and path of each cookie that may hold a session. */
  get sessionCookies(): readonly string[] {
    return [...this.cookies.keys()].filter((key) => key.includes('session')).toSorted();
  }

  async isSignedIn(pod: Pod): Promise<boolean> {
    const { body } = await this.on(pod, 'GET /api/users/currentuser');
    return (body as { currentUser: unknown }).currentUser !== null;
  }

  private keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ');
    const path = attributes.find((each) => each.startsWith('Path='))?.slice('Path='.length) ?? '';
    const key = `${pair.slice(0, pair.indexOf('='))} ${path}`;
    if (attributes.some((each) => each.startsWith('Expires=Thu, 01 Jan 1970'))) this.cookies.delete(key);
    else this.cookies.set(key, { pair, path });
  }
}

const schemes = [
  {
    scheme: 'https',
    issuer: 'https://shop.example.com',
    cookieOf: { true: '__Host-session /', false: '__Secure-session /api/users' },
  },
  { scheme: 'http on localhost', issuer: ORIGIN, cookieOf: { true: 'session /', false: 'session /api/users' } },
];

describe.each(schemes)('on $scheme', ({ issuer, cookieOf }) => {
  let stack: TestStack;
  const pods = new Map<'true' | 'false', Pod>();

  beforeAll(async () => {
    stack = await startStack({ environment: { [variables.issuer]: issuer } });
    pods.set('true', stack.pods[0]);
    const changed = { [variables.issuer]: issuer, [variables.inlineRefresh]: 'false' };
    pods.set('false', await startReadyPod(stack.mounts, changed));
  }, 60_000);

  afterAll(async () => {
    await pods.get('false')?.[Symbol.asyncDispose]();
    await stack[Symbol.asyncDispose]();
  });

  const podWith = (inlineRefresh: 'true' | 'false'): Pod => pods.get(inlineRefresh) ?? stack.pods[0];

  describe.each([
    { from: 'true', to: 'false' },
    { from: 'false', to: 'true' },
  ] as const)('inlineRefresh from $from to $to', ({ from, to }) => {
    async function signedUpBefore(): Promise<Browser> {
      const browser = new Browser(issuer);
      const answer = await browser.on(podWith(from), 'POST /api/users/signup', {
        email: anEmail(),
        password: PASSWORD,
      });
      expect(answer.status).toBe(201);
      expect(browser.sessionCookies).toEqual([cookieOf[from]]);
      return browser;
    }

    test('signs nobody out, and the cookie of before is gone after it has been replaced', async () => {
      const browser = await signedUpBefore();
      const after = podWith(to);
      expect(await browser.isSignedIn(after)).toBe(true);
      for (let turn = 0; turn < 3; turn += 1) {
        expect((await browser.on(after, 'POST /api/users/refresh')).status).toBe(200);
        await stack.timePasses(3_600_000);
      }
      expect(browser.sessionCookies).toEqual([cookieOf[to]]);
      expect(await browser.isSignedIn(after)).toBe(true);
    });

    test('a sign-out leaves no cookie of a session', async () => {
      const browser = await signedUpBefore();
      const after = podWith(to);
      await browser.on(after, 'POST /api/users/refresh');
      expect((await browser.on(after, 'POST /api/users/signout')).status).toBe(204);
      expect(browser.sessionCookies).toEqual([]);
    });

    test('while pods of before and after answer in turn nobody is signed out', async () => {
      const browser = await signedUpBefore();
      for (const pod of [to, from, to, to, from, from, to] as const) {
        expect((await browser.on(podWith(pod), 'POST /api/users/refresh')).status).toBe(200);
        expect(await browser.isSignedIn(podWith(pod))).toBe(true);
      }
    });
  });
});
