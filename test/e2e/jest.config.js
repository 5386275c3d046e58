import unit from '../../jest.config.js';

/** Scenarios on the cluster of `make up`. When each runs is declared in it; `run.ts` starts jest once for each batch. */
export default {
  testEnvironment: unit.testEnvironment,
  testEnvironmentOptions: unit.testEnvironmentOptions,
  extensionsToTreatAsEsm: unit.extensionsToTreatAsEsm,
  transform: unit.transform,
  testMatch: ['<rootDir>/*.e2e.ts'],
  maxWorkers: 2,
};
