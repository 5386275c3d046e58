import { pino } from 'pino';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import { EnvironmentInvalid } from './environment.ts';
import type { Environment } from './environment.ts';
import { messageOf } from './errors.ts';
import { logOptions } from './log-options.ts';
import type { LogSettings } from './log-options.ts';
import type { HttpService } from './service.ts';

/** Of sysexits.h: a configuration error, which no restart mends. */
const EX_CONFIG = 78;

export interface ProcessOptions<Settings extends LogSettings> {
  readonly readEnvironment: (environment: Environment) => Settings;
  readonly create: (settings: Settings, log: Logger) => HttpService;
  readonly alsoSecret?: readonly string[];
  readonly clock: Clock;
}

/**
 * A service as a process: an invalid environment ends it at once; SIGTERM and SIGINT drain it, and end it also when it does
 * not stop in time.
 */
export async function runProcess<Settings extends LogSettings>(
  host: NodeJS.Process,
  { readEnvironment, create, alsoSecret, clock }: ProcessOptions<Settings>,
): Promise<void> {
  const settings = settingsOrExit(host, readEnvironment);
  const log = pino(logOptions(settings, alsoSecret));
  const service = create(settings, log);

  let isStopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    host.on(signal, () => {
      if (isStopping) return;
      isStopping = true;
      log.info({ signal }, 'draining');
      clock.after(service.stopsWithin, () => {
        const { stopsWithin: millis } = service;
        // One entry for each connection, timer, file or query that is still open.
        log.fatal({ millis, open: host.getActiveResourcesInfo() }, 'did not stop in time');
        host.exit(1);
      });
      void service.stop().then(
        () => {
          log.info('stopped');
          host.exit(0);
        },
        (error: unknown) => {
          log.error({ reason: messageOf(error) }, 'could not stop in order');
          host.exit(1);
        },
      );
    });
  }

  await service.start();
  log.info({ ports: service.ports }, 'listening');
}

function settingsOrExit<Settings>(host: NodeJS.Process, read: (environment: Environment) => Settings): Settings {
  try {
    return read(host.env);
  } catch (error) {
    if (!(error instanceof EnvironmentInvalid)) throw error;
    host.stderr.write(`${error.message}\n`);
    return host.exit(EX_CONFIG);
  }
}
