/** Unit and integration tests; the cluster's scenarios have their own configuration, test/e2e/jest.config.js. */
export default {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['authstack-source', 'node'] },
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  transform: {
    '^.+\\.tsx?$': ['@swc/jest', { jsc: { target: 'es2024', transform: { react: { runtime: 'automatic' } } } }],
  },
  testMatch: ['**/*.test.ts', '**/*.test.tsx'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  maxWorkers: 2,
  testTimeout: 30_000,
};
