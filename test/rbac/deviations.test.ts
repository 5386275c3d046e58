import { expect, test } from '@jest/globals';
import type { AuditedRequest } from '../support/api-server.ts';
import { objectsIn } from '../support/chart.ts';
import { distinct, isOfOperator, usesOf } from './audit.ts';
import { deviations, merged } from './deviations.ts';
import { grantsTo } from './grants.ts';
import type { Use } from './right.ts';

const account = 'system:serviceaccount:system:operator';

function role(kind: 'Role' | 'ClusterRole', rules: object[], namespace?: string): string {
  const name = kind === 'Role' ? 'narrow' : 'wide';
  const metadata = { name, ...(namespace !== undefined && { namespace }) };
  const subjects = [{ kind: 'ServiceAccount', name: 'operator', namespace: 'system' }];
  const binding = { kind: `${kind}Binding`, metadata, roleRef: { kind, name }, subjects };
  return [{ kind, metadata, rules }, binding]
    .map((object) => `---\n# Source: some-chart/templates/rbac.yaml\n${JSON.stringify(object)}\n`)
    .join('');
}

function rule(resource: string, verbs: string[], names?: string[]): object {
  const [kind, apiGroup = ''] = resource.split('.');
  return { apiGroups: [apiGroup], resources: [kind], verbs, ...(names && { resourceNames: names }) };
}

function request(verb: string, objectRef: AuditedRequest['objectRef'], code = 200): AuditedRequest {
  const requestURI = `/somewhere/${objectRef?.resource ?? ''}?watch=true`;
  const who = { user: { username: account }, userAgent: 'authstack-operator', requestReceivedTimestamp: '' };
  return { verb, requestURI, ...who, responseStatus: { code }, ...(objectRef && { objectRef }) };
}

function compare(manifest: string, ...requests: AuditedRequest[]): readonly string[] {
  return deviations(grantsTo(account, objectsIn(manifest)), distinct(requests.flatMap(usesOf)));
}

const inShop = { resource: 'secrets', namespace: 'shop', name: 'x' };

test('rights that are exactly what was asked for deviate in nothing', () => {
  const manifest = role('ClusterRole', [rule('secrets', ['get', 'list'])]);
  expect(compare(manifest, request('get', inShop), request('list', { resource: 'secrets' }))).toEqual([]);
});

test('a verb that nobody asked for is named with its rule and its file', () => {
  const manifest = role('ClusterRole', [rule('pods', ['get']), rule('secrets', ['get', 'delete'])]);
  expect(compare(manifest, request('get', inShop), request('get', { ...inShop, resource: 'pods' }))).toEqual([
    expect.stringMatching(
      /^granted but never used: delete secrets in the whole cluster by rule 2 of ClusterRole wide, .*templates\/rbac\.yaml/,
    ),
  ]);
});

test('a request that no rule allows is named with an example', () => {
  const manifest = role('ClusterRole', [rule('secrets', ['get'])]);
  expect(compare(manifest, request('get', inShop), request('patch', { ...inShop, apiGroup: 'apps' }))).toEqual([
    expect.stringContaining('used but not granted: patch secrets.apps in namespace shop (patch /somewhere/secrets'),
  ]);
});

test.each<[string, string, AuditedRequest]>([
  ['in another namespace', role('Role', [rule('secrets', ['get'])], 'auth'), request('get', inShop)],
  ['in the whole cluster', role('Role', [rule('secrets', ['get'])], 'shop'), request('get', { resource: 'secrets' })],
  ['on another object', role('Role', [rule('secrets', ['get'], ['y'])], 'shop'), request('get', inShop)],
  [
    'on a subresource',
    role('Role', [rule('secrets', ['get'])], 'shop'),
    request('get', { ...inShop, subresource: 'status' }),
  ],
  ['without a resource', role('Role', [rule('secrets', ['get'])], 'shop'), request('get', undefined)],
])('a request %s is neither granted nor a use of the right', (_where, manifest, asked) => {
  expect(compare(manifest, asked).map((line) => line.split(':')[0])).toEqual([
    'used but not granted',
    'granted but never used',
  ]);
});

test('roles of one name in several namespaces are one rule', () => {
  const manifest = ['auth', 'shop'].map((namespace) => role('Role', [rule('secrets', ['get'])], namespace)).join('');
  expect(compare(manifest, request('get', inShop))).toEqual([]);
});

test('an apply that makes its object needs create as well, one that changes it does not', () => {
  const manifest = role('ClusterRole', [rule('secrets', ['patch', 'create'])]);
  expect(compare(manifest, request('patch', inShop, 201))).toEqual([]);
  expect(compare(manifest, request('patch', inShop))).toEqual([expect.stringContaining('never used: create secrets')]);
});

test('a refused request counts as one that needs the right', () => {
  expect(compare('', request('delete', inShop, 403))).toEqual([expect.stringContaining('delete secrets')]);
});

test('what only one of two runs asked for is needed; without the other run nothing can be called unused', () => {
  const grants = grantsTo(account, objectsIn(role('ClusterRole', [rule('secrets', ['get', 'delete'])])));
  const [seen, recorded] = ['get', 'delete'].map((verb) => distinct(usesOf(request(verb, inShop)))) as [Use[], Use[]];
  expect(merged(grants, { seen, recorded })).toEqual([]);
  expect(merged(grants, { seen, recorded: [] })).toEqual([expect.stringContaining('never used: delete secrets')]);
  expect(merged(grants, { seen, recorded: undefined })).toEqual([]);
  const patch = usesOf(request('patch', inShop));
  expect(merged(grants, { seen: patch, recorded: undefined })).toEqual([expect.stringContaining('not granted: patch')]);
});

test('roles that are bound to others give the operator nothing', () => {
  const manifest = role('ClusterRole', [rule('secrets', ['get'])]);
  expect(grantsTo('system:serviceaccount:system:another', objectsIn(manifest))).toEqual([]);
});

test('what tests do under the account of the operator is not its own doing', () => {
  const own = request('get', inShop);
  expect(isOfOperator(own, account)).toBe(true);
  expect(isOfOperator({ ...own, userAgent: 'kubectl/v1.36' }, account)).toBe(false);
  expect(isOfOperator(own, 'system:serviceaccount:system:another')).toBe(false);
});
