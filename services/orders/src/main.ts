import { pino } from 'pino';
import { systemClock } from './clock.ts';
import { EnvironmentInvalid, readEnvironment } from './environment.ts';
import type { Settings } from './environment.ts';
import { messageOf } from './errors.ts';
import { logOptions } from './log.ts';
import { catalogue } from './orders/catalogue.ts';
import { createService } from './service.ts';

const settings = settingsOrExit();
const log = pino(logOptions(settings.logLevel));
const service = createService(settings, { clock: systemClock, log, catalogue });

let isStopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (isStopping) return;
    isStopping = true;
    log.info({ signal }, 'draining');
    void service.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ reason: messageOf(error) }, 'the service did not stop as it should');
        process.exit(1);
      },
    );
  });
}

await service.start();
log.info({ ports: service.ports }, 'listening');

function settingsOrExit(): Settings {
  try {
    return readEnvironment(process.env);
  } catch (error) {
    if (!(error instanceof EnvironmentInvalid)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(78);
  }
}
