import process from 'node:process';
import express from 'express';
import { Registry } from 'prom-client';
import { systemClock } from '../clock.ts';
import { runProcess } from '../process.ts';
import { createHttpService } from '../service.ts';

/** A service that does not stop as it should; its timers are a hundred times as fast as the machine's. */
await runProcess(process, {
  readEnvironment: ({ STUCK_IN }) => ({ logLevel: 'info', stuckIn: STUCK_IN }),
  clock: { ...systemClock, after: (delay, callback) => systemClock.after(delay / 100, callback) },
  create: ({ stuckIn }, log) =>
    createHttpService({
      app: express(),
      ports: { public: 0, ops: 0 },
      drain: 0,
      finishWithin: 1_000,
      missing: () => [],
      registry: new Registry(),
      finish: () =>
        stuckIn === 'finish' ? new Promise(() => undefined) : Promise.reject(new Error('the file is locked')),
      clock: systemClock,
      log,
    }),
});
