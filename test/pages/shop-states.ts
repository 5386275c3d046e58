import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { answer, cutOff, hold, problem } from './answers.ts';
import type { State } from './sign-in-states.ts';
import { PASSWORD } from './site.ts';
import type { Site } from './site.ts';

const ORDERS = '/api/orders';
const TICKETS = '/api/orders/tickets';
const REFRESH = '/api/users/refresh';

async function open(page: Page, { origin }: Site): Promise<void> {
  await page.goto(`${origin}/shop/`);
}

/** A customer with an account, in the shop. */
async function customer(page: Page, site: Site): Promise<void> {
  await page.goto(`${site.origin}/?return_to=%2Fshop%2F#sign-up`);
  await page.getByLabel('Email').fill(`${randomUUID()}@example.com`);
  await page.getByLabel(/^Password/).fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${site.origin}/shop/`);
  await page.getByText('Nothing yet.').waitFor();
}

const buy = (page: Page): Promise<void> => page.getByRole('button', { name: 'Buy' }).first().click();

/** A purchase that is refused so. */
function refused(name: string, reply: Parameters<typeof answer>[2], shown: string | RegExp): State {
  return {
    name,
    async reach(page, site) {
      await customer(page, site);
      await answer(page, ORDERS, reply);
      await buy(page);
      await page.getByRole('alert').getByText(shown).waitFor();
    },
  };
}

export const shopStates: readonly State[] = [
  {
    name: 'loading',
    async reach(page, site) {
      await hold(page, TICKETS);
      await hold(page, ORDERS);
      await open(page, site);
      await page.getByText('Loading tickets').waitFor();
    },
  },
  {
    name: 'not signed in',
    async reach(page, site) {
      await open(page, site);
      await page.getByText('Sign in to buy tickets').waitFor();
      await page.getByText('Plenty').waitFor();
    },
  },
  { name: 'nothing bought yet', reach: customer },
  {
    name: 'buying',
    async reach(page, site) {
      await customer(page, site);
      await hold(page, ORDERS);
      await buy(page);
      await page.locator('button[aria-disabled="true"]').first().waitFor();
    },
  },
  {
    name: 'bought',
    async reach(page, site) {
      await customer(page, site);
      await buy(page);
      await page.getByText('Yours').waitFor();
    },
  },
  {
    name: 'nothing on sale',
    async reach(page, site) {
      await answer(page, TICKETS, { status: 200, body: { tickets: [] } });
      await open(page, site);
      await page.getByText('No tickets are on sale').waitFor();
    },
  },
  {
    name: 'nothing is there',
    async reach(page, site) {
      await cutOff(page, TICKETS);
      await answer(page, ORDERS, {
        status: 503,
        body: problem('VERIFIER_NOT_READY'),
        headers: { 'retry-after': '10' },
      });
      await open(page, site);
      await page.getByText('Tickets are not available right now.').waitFor();
      await page.getByText('The shop is starting. Try again in 10 seconds.').waitFor();
    },
  },
  {
    name: 'another attempt to load the tickets',
    async reach(page, site) {
      await cutOff(page, TICKETS);
      await open(page, site);
      await page.getByText('Tickets are not available right now.').waitFor();
      await hold(page, TICKETS);
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.locator('button[aria-disabled="true"]').waitFor();
    },
  },
  refused('a ticket that has sold out', { status: 409, body: problem('SOLD_OUT') }, 'This ticket is sold out.'),
  refused('a ticket that is theirs', { status: 409, body: problem('ALREADY_BOUGHT') }, 'You already have this ticket.'),
  refused(
    'a sign-in service that is away',
    { status: 503, body: problem('REFRESH_UNAVAILABLE'), headers: { 'retry-after': '7' } },
    /You stay signed in\. Try again in 7 seconds\./,
  ),
  {
    name: 'a purchase after the session has ended',
    async reach(page, site) {
      await customer(page, site);
      await answer(page, ORDERS, { status: 401, body: problem('TOKEN_EXPIRED') });
      await answer(page, REFRESH, { status: 401, body: problem('SESSION_INVALID') });
      await buy(page);
      await page.getByText('Your session has ended. Sign in again.').waitFor();
    },
  },
  {
    name: 'signed out in another tab',
    async reach(page, site) {
      await customer(page, site);
      const other = await page.context().newPage();
      await other.goto(`${site.origin}/`);
      await other.getByRole('button', { name: 'Sign out', exact: true }).click();
      await page.getByText('You are no longer signed in.').waitFor();
      await other.close();
    },
  },
];
