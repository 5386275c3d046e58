import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import type { ClientsDocument } from '../api.ts';
import { forgetful } from '../told/memory.ts';
import { ClientsUnusable, clientsOf, parseClients } from './clients.ts';
import { ClientsBelowFloor, LoadedClients } from './loaded-clients.ts';

function version(number: number, ...ids: readonly string[]): ClientsDocument {
  return { version: number, clients: ids.map((id) => ({ id, audience: 'shop', secrets: [] })) };
}

function aPod(...mounts: readonly ClientsDocument[]): LoadedClients {
  const clients = new LoadedClients({ podName: 'shop-auth-1', log: pino({ level: 'silent' }), memory: forgetful() });
  for (const mount of mounts) clients.mount(clientsOf(mount));
  return clients;
}

function inUse(clients: LoadedClients): object {
  const { version: of, byId } = clients.current() ?? {};
  expect(clients.report()).toEqual({ pod: 'shop-auth-1', version: of ?? 0 });
  return { version: of, ids: [...(byId?.keys() ?? [])] };
}

test('a pod that was neither shown nor told any client has none', () => {
  expect(aPod().current()).toBeUndefined();
});

test('the mounted clients are in use, and newer ones after them', () => {
  const clients = aPod(version(1, 'shop/orders'));
  expect(inUse(clients)).toEqual({ version: 1, ids: ['shop/orders'] });
  clients.mount(clientsOf(version(2, 'shop/orders', 'shop/tickets')));
  expect(inUse(clients)).toEqual({ version: 2, ids: ['shop/orders', 'shop/tickets'] });
});

test('a withdrawn client is gone once it is told, and no older mount or word brings it back', () => {
  const clients = aPod(version(3, 'shop/orders', 'shop/tickets'));

  expect(clients.reload(version(4, 'shop/tickets'))).toEqual({ pod: 'shop-auth-1', version: 4 });
  expect(inUse(clients)).toEqual({ version: 4, ids: ['shop/tickets'] });
  expect(clients.problem).toContain('version 3, older than 4');

  expect(() => {
    clients.mount(clientsOf(version(2, 'shop/orders')));
  }).toThrow(ClientsBelowFloor);
  expect(clients.reload(version(3, 'shop/orders'))).toEqual({ pod: 'shop-auth-1', version: 4 });
  expect(inUse(clients)).toEqual({ version: 4, ids: ['shop/tickets'] });

  clients.mount(clientsOf(version(4, 'shop/tickets')));
  expect(clients.problem).toBeUndefined();
  clients.mount(clientsOf(version(5, 'shop/orders')));
  expect(inUse(clients)).toEqual({ version: 5, ids: ['shop/orders'] });
});

test('a container that starts and is shown an older mount than it was told uses what it was told', () => {
  const clients = aPod();
  clients.reload(version(7, 'shop/orders'));
  expect(inUse(clients)).toEqual({ version: 7, ids: ['shop/orders'] });
  expect(() => {
    clients.mount(clientsOf(version(6, 'shop/orders', 'shop/gone')));
  }).toThrow('version 6, older than 7');
  expect(inUse(clients)).toEqual({ version: 7, ids: ['shop/orders'] });
});

test('a container that starts again goes by what the one before it was told, before its mount is read and after', () => {
  let kept: ClientsDocument | undefined;
  const containerAfter = (before?: ClientsDocument): LoadedClients => {
    const memory = { before, keep: (value: ClientsDocument) => (kept = value) };
    return new LoadedClients({ podName: 'shop-auth-1', log: pino({ level: 'silent' }), memory });
  };
  const first = containerAfter();
  first.reload(version(7, 'shop/orders'));
  // Late, and nothing to keep.
  first.reload(version(6, 'shop/orders', 'shop/gone'));
  const second = containerAfter(kept);
  expect(inUse(second)).toEqual({ version: 7, ids: ['shop/orders'] });
  expect(() => {
    second.mount(clientsOf(version(6, 'shop/orders', 'shop/gone')));
  }).toThrow('version 6, older than 7');
  second.mount(clientsOf(version(8, 'shop/new')));
  expect(inUse(second)).toEqual({ version: 8, ids: ['shop/new'] });
});

test.each([
  ['no JSON', '{"version": 1, "clients": [', 'not JSON'],
  ['no version', '{"clients": []}', 'version'],
  ['a client without an id', '{"version": 1, "clients": [{"audience": "shop"}]}', 'clients.0.id'],
  ['a hash of another length', JSON.stringify(withSecret('short')), 'clients.0.secrets.0.sha256'],
  ['a client twice', JSON.stringify(version(1, 'shop/orders', 'shop/orders')), 'occurs twice'],
])('a file with %s is refused, and nothing of it repeated', (_what, text, words) => {
  expect(() => parseClients(text)).toThrow(ClientsUnusable);
  expect(() => parseClients(text)).toThrow(words);
});

test('what cannot be used of a document is told of and leaves the rest in use', () => {
  const { byId, cluster, ignored } = clientsOf({
    version: 1,
    cluster: { issuer: 'https://cluster', keys: [{ kid: 'k1', kty: 'EC', alg: 'ES384' }] },
    clients: [{ id: 'shop/orders', audience: 'shop', secrets: [{ sha256: '-'.repeat(43), notAfter: 'tomorrow' }] }],
  });
  expect([...byId.keys()]).toEqual(['shop/orders']);
  expect(cluster?.keys.size).toBe(0);
  expect(ignored).toEqual([expect.stringContaining('k1'), expect.stringContaining('shop/orders')]);
});

function withSecret(sha256: string): object {
  return { version: 1, clients: [{ id: 'shop/orders', audience: 'shop', secrets: [{ sha256 }] }] };
}
