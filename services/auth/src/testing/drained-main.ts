import process from 'node:process';
import { systemClock } from '@authstack/http-service/clock';
import { runProcess } from '@authstack/http-service/process';
import { drainsUntilTold } from '../../../../packages/http-service/src/testing/restarts.ts';
import { readEnvironment } from '../environment.ts';
import { createService } from '../service.ts';
import { MACHINE } from './world.ts';

/** As main.ts, but its drain lasts until the test says that the endpoints have moved. */
const clock = drainsUntilTold(process, systemClock);
await runProcess(process, {
  readEnvironment,
  clock,
  create: (settings, log) => createService(settings, { clock, log, machine: MACHINE }),
});
