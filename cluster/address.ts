import { address } from './kind.ts';

process.stdout.write(`${address}\n`);
