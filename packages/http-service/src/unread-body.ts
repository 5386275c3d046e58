import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemClock } from './clock.ts';
import type { Millis } from './clock.ts';

/** Of a body that nobody wants: more than any client sends by mistake, and nothing to be read in a moment. */
const DISCARD_AT_MOST = 1024 * 1024;
const DISCARD_WITHIN: Millis = 1_000;

export function hasBody({ headers }: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

/**
 * An answer that is given before the body was read to its end says `Connection: close`. Otherwise Node would read the rest,
 * whatever its size, to find the next request.
 */
export function endsConnectionUnlessRead(request: IncomingMessage, response: ServerResponse): void {
  if (!hasBody(request) || !response.shouldKeepAlive) return;
  response.shouldKeepAlive = false;
  request.once('end', () => {
    response.shouldKeepAlive = true;
  });
}

/**
 * Answers a request whose body is still coming: the whole answer is sent at once, and the connection ends when the client
 * does, after a moment, or after a megabyte. Ended while bytes are unread, it would be reset, and the client might lose the
 * answer (RFC 9112, section 9.6).
 */
export function answerDespiteBody(request: IncomingMessage, response: ServerResponse, text: string): void {
  response.setHeader('content-length', Buffer.byteLength(text));
  response.write(text);
  let left = DISCARD_AT_MOST;
  const end = (): void => {
    cancel();
    request.off('data', discard).off('end', end).off('close', end);
    response.end();
  };
  const discard = (chunk: Buffer): void => {
    left -= chunk.length;
    if (left < 0) end();
  };
  const cancel = systemClock.after(DISCARD_WITHIN, end);
  request.on('data', discard).once('end', end).once('close', end);
}
