import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { systemClock } from '@authstack/http-service/clock';
import { Admission, limitsFor, Overloaded } from './admission.ts';
import { applicants } from './applicant.ts';

function exchange(network: string) {
  const request = new IncomingMessage(new Socket());
  request.headers = { 'x-network': network };
  return { request, response: new ServerResponse(request) };
}

test('who floods an account from everywhere takes no place of the devices it is known on', async () => {
  const applicantOf = applicants({
    prefixOf: ({ headers }) => String(headers['x-network']),
    isKnownDevice: ({ headers }) => headers['x-network'] === 'home',
  });
  const admission = new Admission(limitsFor(1), systemClock);
  const ask = (network: string): Promise<string> =>
    admission
      .admit(applicantOf(exchange(network), 'victim'), ({ turn }) => turn(() => forever))
      .catch((error: unknown) => (error instanceof Overloaded ? 'refused' : String(error)));
  const { promise: forever } = Promise.withResolvers<string>();
  const flood = Array.from({ length: 20 }, (_, index) => ask(`net${index}`));
  const before = admission.waiting;
  void ask('home');
  expect(admission.waiting).toBe(before + 1);
  expect(await flood.at(-1)).toBe('refused');
});
