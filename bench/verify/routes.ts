import { once } from 'node:events';
import express from 'express';
import type { NextFunction, Request, Response } from 'express';
import { createVerifier, userOf } from '../../packages/verify/src/index.ts';
import { AUDIENCE, ISSUER } from '../../packages/verify/src/testing/issuer.ts';
import { createVerifier as createFastVerifier } from 'fast-jwt';
import { cpuMicros } from './cpu.ts';

/**
 * A process of its own, so that its CPU time is the server's alone: the same route bare, behind requireUser() and behind
 * fast-jwt. It tells its CPU time whenever it is asked.
 */
const [directory = '', publicKey = ''] = process.argv.slice(2);
const verifier = createVerifier({ directory });
const verifyFast = createFastVerifier({
  key: publicKey,
  algorithms: ['ES256'],
  allowedIss: ISSUER,
  allowedAud: AUDIENCE,
  cache: 10_000,
}) as (token: string) => unknown;

function fastJwtGuard(request: Request, response: Response, next: NextFunction): void {
  response.locals['user'] = verifyFast((request.headers.authorization ?? '').slice('Bearer '.length));
  next();
}

const app = express()
  .get('/bare', (_request, response) => {
    response.json({ ok: true });
  })
  .get('/guarded', verifier.requireUser(), (request, response) => {
    response.json({ ok: userOf(request).id !== '' });
  })
  .get('/fast-jwt', fastJwtGuard, (_request, response) => {
    response.json({ ok: response.locals['user'] !== undefined });
  });
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
process.on('message', () => process.send?.(cpuMicros()));
process.on('disconnect', () => process.exit());
process.send?.(server.address());
