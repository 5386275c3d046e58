import process from 'node:process';
import { systemClock } from '@authstack/http-service/clock';
import { runProcess } from '@authstack/http-service/process';
import { readEnvironment } from './environment.ts';
import { catalogue } from './orders/catalogue.ts';
import { createService } from './service.ts';

await runProcess(process, {
  readEnvironment,
  clock: systemClock,
  create: (settings, log) => createService(settings, { clock: systemClock, log, catalogue }),
});
