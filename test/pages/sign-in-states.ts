import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { answer, cutOff, hold, problem, withoutSettings } from './answers.ts';
import { PASSWORD } from './site.ts';
import type { Site } from './site.ts';

/** A way to bring a page into one of its states. */
export interface State {
  readonly name: string;
  readonly reach: (page: Page, site: Site) => Promise<void>;
}

const anEmail = (): string => `${randomUUID()}@example.com`;
const CURRENT_USER = '/api/users/currentuser';
const SIGN_IN = '/api/users/signin';
const SIGN_OUT = '/api/users/signout';
const SESSIONS = '/api/users/sessions';

async function open(page: Page, { origin }: Site, form: 'sign-in' | 'sign-up' = 'sign-in'): Promise<void> {
  await page.goto(`${origin}/#${form}`);
  await page.getByRole('button', { name: form === 'sign-in' ? 'Sign in' : 'Sign up' }).waitFor();
}

async function send(page: Page, email = 'ada@example.com', password = PASSWORD): Promise<void> {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel(/^Password/).fill(password);
  await page.keyboard.press('Enter');
}

/** A visitor with an account, on the page of the account. */
async function signedIn(page: Page, site: Site, email = anEmail()): Promise<string> {
  await site.signUp(email);
  await open(page, site);
  await send(page, email);
  await listed(page);
  return email;
}

async function listed(page: Page): Promise<void> {
  await page.getByText('This device').waitFor();
}

/** A sign-in that is refused so. */
function refused(name: string, reply: Parameters<typeof answer>[2], shown: string | RegExp): State {
  return {
    name,
    async reach(page, site) {
      await open(page, site);
      await answer(page, SIGN_IN, reply);
      await send(page);
      await page.getByRole('alert').getByText(shown).waitFor();
    },
  };
}

/** An account that must not be used. */
function closed(field: 'banned' | 'disabled'): State {
  return {
    name: `an account that is ${field}`,
    async reach(page, site) {
      const email = anEmail();
      await site.signUp(email);
      await site.change(email, { [field]: true });
      await open(page, site);
      await send(page, email);
      await page.getByText(`This account is ${field}.`).waitFor();
    },
  };
}

/** From the network of the page, so that whoever uses the page has to wait. */
async function guessUntilRefused(
  email: string,
  { page, site }: { readonly page: Page; readonly site: Site },
): Promise<void> {
  let status = 0;
  while (status !== 429) status = await site.tryToSignIn(email, { password: 'wrong', from: page });
}

/** More programs sign in to one account, all the time, than there are places for it. */
function crowd(email: string, site: Site): AsyncDisposable {
  let isOver = false;
  const programs = Array.from({ length: 12 }, async () => {
    while (!isOver) await site.tryToSignIn(email);
  });
  return {
    async [Symbol.asyncDispose]() {
      isOver = true;
      await Promise.all(programs);
    },
  };
}

const forms: readonly State[] = [
  {
    name: 'loading',
    async reach(page, { origin }) {
      await hold(page, CURRENT_USER);
      await page.goto(`${origin}/`);
      await page.getByText('Loading your account').waitFor();
    },
  },
  { name: 'signed out', reach: (page, site) => open(page, site) },
  { name: 'sign-up', reach: (page, site) => open(page, site, 'sign-up') },
  {
    name: 'a stack that says nothing about its page',
    async reach(page, site) {
      await withoutSettings(page);
      await open(page, site, 'sign-up');
    },
  },
  {
    name: 'a password that is shown',
    async reach(page, site) {
      await open(page, site, 'sign-up');
      await page.getByLabel(/^Password/).fill(PASSWORD);
      await page.getByRole('button', { name: 'Show password' }).click();
      await page.getByRole('button', { name: 'Hide password' }).waitFor();
    },
  },
  {
    name: 'fields that are missing',
    async reach(page, site) {
      await open(page, site);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('Enter your password.').waitFor();
    },
  },
  {
    name: 'what is no address, and a password that is too short',
    async reach(page, site) {
      await open(page, site, 'sign-up');
      await send(page, 'ada@', 'short');
      await page.getByText('Enter an email address such as').waitFor();
      await page.getByText('Password must have at least').waitFor();
    },
  },
  {
    name: 'an address that is taken',
    async reach(page, site) {
      const email = anEmail();
      await site.signUp(email);
      await open(page, site, 'sign-up');
      await send(page, email);
      await page.getByText('already has an account').waitFor();
    },
  },
  {
    name: 'sending',
    async reach(page, site) {
      await open(page, site);
      await hold(page, SIGN_IN);
      await send(page);
      await page.locator('button[aria-disabled="true"]').waitFor();
    },
  },
];

const refusals: readonly State[] = [
  {
    name: 'a password that is wrong',
    async reach(page, site) {
      await open(page, site);
      await send(page);
      await page.getByText('The email address or the password is wrong.').waitFor();
    },
  },
  closed('banned'),
  closed('disabled'),
  {
    name: 'an account that is banned, in a stack without support',
    async reach(page, site) {
      await withoutSettings(page);
      await closed('banned').reach(page, site);
      await page.getByText('ask whoever runs localhost').waitFor();
    },
  },
  {
    name: 'too many attempts',
    async reach(page, site) {
      const email = anEmail();
      await site.tryToSignIn(email, { password: 'wrong', from: page });
      // The next one waits for 40 seconds: more than it takes to open the page.
      await site.countGuesses(8);
      await guessUntilRefused(email, { page, site });
      await open(page, site);
      await send(page, email);
      await page
        .getByRole('alert')
        .getByText(/There were too many attempts\. Try again in \d+ seconds?\./)
        .waitFor();
    },
  },
  {
    name: 'too many attempts, for minutes',
    async reach(page, site) {
      const email = anEmail();
      await site.tryToSignIn(email, { password: 'wrong', from: page });
      await site.countGuesses(12);
      await guessUntilRefused(email, { page, site });
      await open(page, site);
      await send(page, email);
      await page
        .getByRole('alert')
        .getByText(/Try again in \d+ minutes, at \d\d:\d\d\./)
        .waitFor();
    },
  },
  {
    name: 'overloaded',
    async reach(page, site) {
      const email = anEmail();
      await site.signUp(email);
      await open(page, site);
      await using _ = crowd(email, site);
      const told = page.getByRole('alert');
      for (;;) {
        await send(page, email, 'a wrong one');
        await page.locator('button[aria-disabled="true"]').waitFor({ state: 'detached' });
        if ((await told.innerText()).includes('Many people are signing in right now. Try again in 1 second.')) return;
      }
    },
  },
  {
    name: 'no database',
    async reach(page, site) {
      await open(page, site);
      await site.withoutDatabase(async () => {
        await send(page);
        await page
          .getByRole('alert')
          .getByText('The service cannot reach its database. Try again in 2 seconds.')
          .waitFor();
      });
    },
  },
  refused('starting', { status: 503, body: problem('NOT_READY') }, 'Try again in a moment.'),
  refused('a failure', { status: 500, body: problem('INTERNAL') }, 'Something went wrong on our side.'),
  refused('another site', { status: 403, body: problem('CSRF_REJECTED') }, 'Reload the page and try again.'),
  refused('a gateway without a service', { status: 502, body: '<html>' }, 'The service does not answer.'),
  refused('an answer of another kind', { status: 200, body: '<html>' }, 'an answer that this page does not understand'),
  {
    name: 'offline',
    async reach(page, site) {
      await open(page, site);
      await page.context().setOffline(true);
      await send(page);
      await page.getByText('Check your connection').waitFor();
    },
  },
];

const trouble: readonly State[] = [
  {
    name: 'nobody says who is signed in',
    async reach(page, { origin }) {
      await cutOff(page, CURRENT_USER);
      await page.goto(`${origin}/`);
      await page.getByRole('button', { name: 'Try again' }).waitFor();
    },
  },
  {
    name: 'another attempt to find out',
    async reach(page, { origin }) {
      await answer(page, CURRENT_USER, {
        status: 503,
        body: problem('DATABASE_UNAVAILABLE'),
        headers: { 'retry-after': '5' },
      });
      await page.goto(`${origin}/`);
      await page.getByText('Try again in 5 seconds').waitFor();
      await hold(page, CURRENT_USER);
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.locator('button[aria-disabled="true"]').waitFor();
    },
  },
];

const accounts: readonly State[] = [
  {
    name: 'just signed up',
    async reach(page, site) {
      await open(page, site, 'sign-up');
      await send(page, anEmail());
      await page.getByText('Your account is ready.').waitFor();
      await listed(page);
    },
  },
  {
    name: 'just signed in',
    async reach(page, site) {
      await signedIn(page, site);
      await page.getByText('You are signed in.').waitFor();
    },
  },
  {
    name: 'signed in before, with a page to go back to',
    async reach(page, site) {
      await signedIn(page, site);
      await page.goto(`${site.origin}/?return_to=%2Fshop%2F`);
      await page.getByRole('link', { name: 'Continue' }).waitFor();
      await listed(page);
    },
  },
  {
    name: 'an administrator with an address in another script',
    async reach(page, site) {
      const local = randomUUID();
      await site.signUp(`${local}@xn--mnchen-3ya.example`);
      await site.change(`${local}@xn--mnchen-3ya.example`, { roles: ['user', 'admin'] });
      await open(page, site);
      await send(page, `${local}@münchen.example`);
      await page.getByText(`${local}@münchen.example`).waitFor();
      await page.getByText('Administrator').waitFor();
      await listed(page);
    },
  },
  {
    name: 'the list of sessions is loading',
    async reach(page, site) {
      await hold(page, SESSIONS);
      await site.signUp('held@example.com').catch(() => undefined);
      await open(page, site);
      await send(page, 'held@example.com');
      await page.getByText('Loading where you are signed in').waitFor();
    },
  },
  {
    name: 'the list of sessions is not there',
    async reach(page, site) {
      await answer(page, SESSIONS, {
        status: 503,
        body: problem('DATABASE_UNAVAILABLE'),
        headers: { 'retry-after': '120' },
      });
      const email = anEmail();
      await site.signUp(email);
      await open(page, site);
      await send(page, email);
      await page.getByText('The list is not available right now.').waitFor();
    },
  },
  {
    name: 'sessions on many devices',
    async reach(page, site) {
      await manyDevices(page, site);
      await page.getByRole('button', { name: /^Show all 10/ }).waitFor();
    },
  },
  {
    name: 'all sessions on many devices',
    async reach(page, site) {
      await manyDevices(page, site);
      await page.getByRole('button', { name: /^Show all/ }).click();
      await page.getByRole('heading', { name: 'curl' }).waitFor();
      // Not lost with the button: on the first of the rows that it brought.
      await page.waitForFunction(`document.activeElement === document.querySelectorAll('.rows > li')[5]`);
    },
  },
  {
    name: 'a session that was ended',
    async reach(page, site) {
      await manyDevices(page, site);
      await page.getByRole('button', { name: 'Sign out Firefox on Android' }).first().click();
      await page.getByText('Firefox on Android is signed out.').waitFor();
    },
  },
  {
    name: 'a session that could not be ended',
    async reach(page, site) {
      await manyDevices(page, site);
      await page.route(/\/api\/users\/sessions\//, (route) => route.abort('connectionrefused'));
      await page
        .getByRole('button', { name: /^Sign out .*on/ })
        .first()
        .click();
      await page.getByText('The service does not answer.').waitFor();
    },
  },
  {
    name: 'a sign-out that failed',
    async reach(page, site) {
      await signedIn(page, site);
      await cutOff(page, SIGN_OUT);
      await page.getByRole('button', { name: 'Sign out', exact: true }).click();
      await page.getByText('The service does not answer.').waitFor();
    },
  },
  {
    name: 'signed out',
    async reach(page, site) {
      await signedIn(page, site);
      await page.getByRole('button', { name: 'Sign out', exact: true }).click();
      await page.getByText('You are signed out.').waitFor();
    },
  },
  {
    name: 'signed out everywhere',
    async reach(page, site) {
      await signedIn(page, site);
      await page.getByRole('button', { name: 'Sign out everywhere' }).click();
      await page.getByText('You are signed out on every device.').waitFor();
    },
  },
  {
    name: 'signed out in another tab',
    async reach(page, site) {
      await signedIn(page, site);
      await inAnotherTab(page, site, async (other) => {
        await other.getByRole('button', { name: 'Sign out', exact: true }).click();
        await other.getByText('You are signed out.').waitFor();
      });
      await page.getByText('Your session has ended.').waitFor();
    },
  },
  {
    name: 'signed in from another tab',
    async reach(page, site) {
      const email = anEmail();
      await site.signUp(email);
      await open(page, site);
      await inAnotherTab(page, site, async (other) => {
        await send(other, email);
        await listed(other);
      });
      await page.getByText('You have signed in from another tab.').waitFor();
      await listed(page);
    },
  },
];

async function inAnotherTab(page: Page, site: Site, act: (tab: Page) => Promise<void>): Promise<void> {
  const tab = await page.context().newPage();
  await tab.goto(`${site.origin}/`);
  await act(tab);
  await tab.close();
}

const userAgents = [
  'curl/8.5.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15',
  ...Array.from({ length: 6 }, () => 'Mozilla/5.0 (Android 14; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0'),
];

async function manyDevices(page: Page, site: Site): Promise<void> {
  const email = anEmail();
  await site.signUp(email);
  // The session of the sign-up is not wanted; it is the first to go from the list of a page that shows five.
  for (const userAgent of userAgents) await site.signInByClient(email, userAgent);
  await open(page, site);
  await send(page, email);
  await listed(page);
}

export const signInStates: readonly State[] = [...forms, ...refusals, ...trouble, ...accounts];
