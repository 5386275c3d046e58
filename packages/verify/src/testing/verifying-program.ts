import { createVerifier } from '../index.ts';

/** A service that verifies tokens, as a program: of the directory it is given it writes its status, one line for each change. */

const [directory = ''] = process.argv.slice(2);
let last = '';
const verifier = createVerifier({ directory });
setInterval(() => {
  const status = JSON.stringify(verifier.status);
  if (status === last) return;
  last = status;
  process.stdout.write(`${status}\n`);
}, 20);
process.once('SIGTERM', () => {
  void verifier.close().then(() => process.exit());
});
