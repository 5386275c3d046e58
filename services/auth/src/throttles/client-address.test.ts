import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clientAddresses } from './client-address.ts';
import type { ClientAddress } from './client-address.ts';

const behindTwo = ['10.0.0.0/8', 'fd00::/8', '203.0.113.250/32'];

function seen(
  peer: string | undefined,
  forwarded?: string,
  trustedProxies: readonly string[] = behindTwo,
): ClientAddress {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return clientAddresses(trustedProxies)({ socket: { remoteAddress: peer }, headers });
}

test.each<[string, string, string | undefined, string]>([
  ['without a header the peer', '198.51.100.7', undefined, '198.51.100.7'],
  ['of a stranger the peer, whatever it claims', '198.51.100.7', '192.0.2.1', '198.51.100.7'],
  ['behind a proxy what the proxy says', '10.1.2.3', '192.0.2.1', '192.0.2.1'],
  ['never what the client wrote before it', '10.1.2.3', '1.1.1.1, 10.0.0.9, 192.0.2.1', '192.0.2.1'],
  ['behind two proxies what the outer one says', '10.1.2.3', '192.0.2.1, 203.0.113.250', '192.0.2.1'],
  ['inside, with proxies alone, the furthest', '10.1.2.3', '10.9.9.9, 10.8.8.8', '10.9.9.9'],
  ['with spaces and tabs', '10.1.2.3', ' \t192.0.2.1\t ', '192.0.2.1'],
  ['with a port', '10.1.2.3', '192.0.2.1:52000', '192.0.2.1'],
  ['IPv4 in IPv6', '::ffff:10.1.2.3', '::ffff:192.0.2.1', '192.0.2.1'],
  ['IPv4 in IPv6, in hexadecimal', '::ffff:a01:203', '::FFFF:c000:201', '192.0.2.1'],
  ['IPv6', '10.1.2.3', '2001:DB8:0::1', '2001:db8::1'],
  ['IPv6 in brackets', '10.1.2.3', '[2001:db8::1]', '2001:db8::1'],
  ['IPv6 with a port', '10.1.2.3', '[2001:db8::1]:443', '2001:db8::1'],
  ['IPv4 in IPv6 with a port', '10.1.2.3', '[::ffff:192.0.2.1]:443', '192.0.2.1'],
  ['IPv6 without its zone', 'fe80::1%eth0', undefined, 'fe80::1'],
  ['IPv6 in brackets without its zone', '10.1.2.3', '[fe80::1%eth0]:443', 'fe80::1'],
  ['behind an IPv6 proxy', 'fd00::5', '192.0.2.1', '192.0.2.1'],
  ['of an empty header the proxy', '10.1.2.3', '', '10.1.2.3'],
  ['of a header of commas the proxy', '10.1.2.3', ' , ,', '10.1.2.3'],
])('the client is %s', (_what, ...[peer, forwarded, address]) => {
  expect(seen(peer, forwarded).address).toBe(address);
});

test.each([
  'unknown',
  '_hidden',
  '1',
  '0x7f.1',
  '01.2.3.4',
  '192.0.2.1.',
  '192.0.2.256',
  '192.0.2.1:x',
  '192.0.2.1:',
  '2001:db8::1::2',
  '[192.0.2.1',
  '192.0.2.1 192.0.2.2',
  '192.0.2.1; 192.0.2.2',
  'localhost',
  '"192.0.2.1"',
  '%eth0',
  '\u0661\u0669\u0662.0.2.1',
])('%j ends the walk: nothing left of it is believed', (rubbish) => {
  expect(seen('10.1.2.3', `192.0.2.1, ${rubbish}`).address).toBe('10.1.2.3');
  expect(seen('10.1.2.3', `192.0.2.1, ${rubbish}, 203.0.113.250`).address).toBe('203.0.113.250');
});

test('a connection that is gone has no address, and shares one prefix with all such', () => {
  expect(seen(undefined, '192.0.2.1')).toMatchObject({ address: 'unknown', prefix: 'unknown' });
});

test.each([
  ['192.0.2.77', '192.0.2.0/24'],
  ['::ffff:192.0.2.77', '192.0.2.0/24'],
  ['2001:db8:1:2ff::77', '2001:db8:1:200::/56'],
  ['fe80::1%eth0', 'fe80::/56'],
])('%s belongs to %s', (peer, prefix) => {
  expect(seen(peer).prefix).toBe(prefix);
});

test.each([
  ['::ffff:10.0.0.0/104', '10.1.2.3', '192.0.2.1'],
  ['::ffff:10.0.0.0/104', '11.1.2.3', '11.1.2.3'],
  ['10.1.2.3/8', '10.9.9.9', '192.0.2.1'],
])('a proxy of %s: the client behind %s is %s', (cidr, peer, address) => {
  expect(seen(peer, '192.0.2.1', [cidr]).address).toBe(address);
});

test.each<[string, string | undefined, readonly string[], boolean]>([
  ['10.1.2.3', '192.0.2.1', [], true],
  ['fd00::5', '192.0.2.1', ['10.0.0.0/8'], true],
  ['10.1.2.3', '192.0.2.1', ['10.0.0.0/8'], false],
  ['10.1.2.3', undefined, [], false],
  // From outside anybody sends the header.
  ['198.51.100.7', '192.0.2.1', [], false],
])(
  '%s that sends X-Forwarded-For %s, where %j are trusted: an unnamed proxy, %s',
  (peer, ...[forwarded, trusted, is]) => {
    expect(seen(peer, forwarded, trusted).isUnnamedProxy).toBe(is);
  },
);

test('whatever a client writes, it is known by what the proxy adds', () => {
  const written = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.constantFrom('10.0.0.1', 'fd00::1'));
  fc.assert(
    fc.property(fc.array(written), (claims) => {
      expect(seen('10.1.2.3', [...claims, '192.0.2.1'].join(', ')).address).toBe('192.0.2.1');
    }),
  );
});
