import { availableParallelism, cpus } from 'node:os';
import process from 'node:process';
import { systemClock } from '@authstack/http-service/clock';
import { runProcess } from '@authstack/http-service/process';
import { readEnvironment } from './environment.ts';
import { createService } from './service.ts';

const machine = {
  parallelism: availableParallelism(),
  cores: cpus().length,
  memory: process.constrainedMemory(),
};

await runProcess(process, {
  readEnvironment,
  clock: systemClock,
  create: (settings, log) => createService(settings, { clock: systemClock, log, machine }),
  alsoSecret: ['privateJwk'],
});
