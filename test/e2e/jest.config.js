import unit from '../../jest.config.js';

/**
 * Scenarios on the cluster of `make up`. Those in scenarios/ run side by side, those in exclusive/ touch what all share
 * and run after them, one by one; those in afterwards/ look back on both. `make e2e` starts jest once for each. `make e2e-full`
 * adds faults/, which run side by side like scenarios/, and nodes/, which are exclusive.
 */
export default {
  testEnvironment: unit.testEnvironment,
  testEnvironmentOptions: unit.testEnvironmentOptions,
  extensionsToTreatAsEsm: unit.extensionsToTreatAsEsm,
  transform: unit.transform,
  testMatch: ['<rootDir>/{scenarios,exclusive,faults,nodes,afterwards}/*.e2e.ts'],
  maxWorkers: 2,
};
