import { expect, test } from '@jest/globals';
import { pageOf } from './results.ts';

const results = {
  numPassedTests: 1,
  numFailedTests: 0,
  numRuntimeErrorTestSuites: 0,
  testResults: [
    {
      name: '/somewhere/key-is-revoked.e2e.ts',
      assertionResults: [{ title: 'a stolen key is gone', status: 'passed', duration: 90_400 }],
    },
  ],
};
const run = { environment: '2026-11-28, commit 1234567', minutes: 2, notes: [] };

test('the page has a row for each scenario, and what it measured', () => {
  const noted = { ...run, notes: [{ scenario: 'a stolen key is gone', measured: { seconds: 0.4 } }] };
  const page = pageOf([results], noted);
  expect(page).toContain('Run 2026-11-28, commit 1234567, in 2 min');
  expect(page).toContain('| key-is-revoked | a stolen key is gone | passed | 90 s |');
  expect(page).toContain('## What they measured\n\n- a stolen key is gone: `{"seconds":0.4}`\n');
  expect(pageOf([results], run)).not.toContain('##');
});
