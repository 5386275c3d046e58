import { startKeySetReader } from './service.ts';

/** Runs in a pod of its own. */
const [issuer = '', audience = '', port = ''] = process.argv.slice(2);
await startKeySetReader({ issuer, audience, port: Number(port) });
process.on('SIGTERM', () => process.exit(0));
