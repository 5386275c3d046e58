import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { INACTIVE_AT_MOST, serverLimits } from './server-limits.ts';

export function createPublicServer(app: RequestListener): Server {
  const server = createServer(serverLimits, app).setTimeout(INACTIVE_AT_MOST);
  // Node would tell every client to go on and send its body, also one that is refused for its length.
  return server.on('checkContinue', (request, response) => server.emit('request', request, response));
}
