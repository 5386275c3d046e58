import { expect, test } from '@jest/globals';
import { ApiError } from './client.ts';
import { failureMessage, isForbidden } from './failure.ts';

function refused(message: string): ApiError {
  return new ApiError('PATCH /x', 403, { reason: 'Forbidden', message });
}

const inNamespace = refused(
  'ingresses "x" is forbidden: User "me" cannot patch resource "ingresses" in API group "networking.k8s.io" in the namespace "auth"',
);
const inCluster = refused(
  'namespaces is forbidden: User "me" cannot list resource "namespaces" in API group "" at the cluster scope',
);

test.each([
  [
    'a right in a namespace',
    inNamespace,
    'grant the account of the controller: patch on ingresses.networking.k8s.io in namespace auth;',
  ],
  [
    'a right in the whole cluster',
    inCluster,
    'grant the account of the controller: list on namespaces in the whole cluster;',
  ],
  [
    'the rights that several actions lack',
    new AggregateError([inNamespace, inCluster, inNamespace], 'all'),
    'patch on ingresses.networking.k8s.io in namespace auth, list on namespaces in the whole cluster;',
  ],
])('%s: what is missing is named with what to grant', (_what, failure, advice) => {
  expect(failureMessage(failure)).toContain(advice);
  expect(isForbidden(failure)).toBe(true);
});

test('what admission refuses is reported in its own words', () => {
  const failure = refused('ValidatingAdmissionPolicy "x" denied request: it is not yours');
  expect(failureMessage(failure)).toMatch(/denied request: it is not yours; tried again with growing pauses$/);
  expect(isForbidden(failure)).toBe(true);
});

test('other failures call for no rights', () => {
  expect(isForbidden(new ApiError('GET /x', 500, { reason: 'x', message: 'x' }))).toBe(false);
  expect(failureMessage(new Error('no such thing'))).toBe('no such thing; tried again with growing pauses');
});
