import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import ip from 'ipaddr.js';

/** Where a request comes from, as far as it can be believed. */
export interface ClientAddress {
  /** `203.0.113.7`, `2001:db8::1`; IPv4 in IPv6 as IPv4, without port and zone. `unknown` once the connection is gone. */
  readonly address: string;
  /** The network that one customer of a provider usually has: `203.0.113.0/24`, `2001:db8::/56`. */
  readonly prefix: string;
  /** The network's own proxy, as it seems, that `trustedProxies` does not name: everybody behind it has this one address. */
  readonly isUnnamedProxy: boolean;
}

/** What is looked at of a request; Node's and Express' own have it. */
export interface Arrival {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: IncomingHttpHeaders;
}

export type ClientAddressOf = (arrival: Arrival) => ClientAddress;

type Address = ReturnType<typeof ip.process>;
type Network = readonly [Address, number];

const unknown: ClientAddress = { address: 'unknown', prefix: 'unknown', isUnnamedProxy: false };

/**
 * Walks `X-Forwarded-For` from the right, for as long as the address so far is a trusted proxy's: only that proxy's word
 * about the next is worth anything, and what is left of the first other address was written by whoever liked.
 *
 * @param trustedProxies CIDRs
 */
export function clientAddresses(trustedProxies: readonly string[]): ClientAddressOf {
  const trusted = trustedProxies.map(networkOf);
  const isTrusted = (address: Address): boolean => trusted.some((network) => contains(network, address));

  return ({ socket, headers }) => {
    const peer = parse(socket.remoteAddress ?? '');
    if (!peer) return unknown;
    const forwarded = forwardedBy(headers);
    let address = peer;
    // Rubbish ends the walk: the client is then the proxy that passed it on, and shares that one's limits.
    for (let next = forwarded.pop(); next !== undefined && isTrusted(address); next = forwarded.pop()) {
      const parsed = parse(next);
      if (!parsed) break;
      address = parsed;
    }
    const isUnnamedProxy = headers['x-forwarded-for'] !== undefined && !isTrusted(peer) && isInternal(peer);
    return { address: address.toString(), prefix: prefixOf(address), isUnnamedProxy };
  };
}

/** Several headers of the name are one to Node, joined in their order. */
function forwardedBy(headers: IncomingHttpHeaders): string[] {
  return [headers['x-forwarded-for'] ?? []].flat().flatMap((text) => text.split(','));
}

const withPort = /^(?:\[(?<six>[^\]]*)\](?::\d{1,5})?|(?<four>[\d.]+):\d{1,5})$/;

/** Undefined for everything that is no address: ipaddr.js alone would read `1` and `0x7f.1`, too. */
function parse(text: string): Address | undefined {
  const trimmed = text.trim();
  const { six, four } = withPort.exec(trimmed)?.groups ?? {};
  // A zone is a name on the machine that saw the address, and so no part of who the client is.
  const bare = (six ?? four ?? trimmed).replace(/%.*$/s, '');
  return isIP(bare) === 0 ? undefined : ip.process(bare);
}

/** Also of `::ffff:10.0.0.0/104`, which is 10.0.0.0/8. */
function networkOf(cidr: string): Network {
  const [address, bits] = ip.parseCIDR(cidr);
  if (address.kind() === 'ipv6' && (address as ip.IPv6).isIPv4MappedAddress() && bits >= 96) {
    return [(address as ip.IPv6).toIPv4Address(), bits - 96];
  }
  return [address, bits];
}

function contains([network, bits]: Network, address: Address): boolean {
  return network.kind() === address.kind() && address.match(network, bits);
}

function prefixOf(address: Address): string {
  const bits = address.kind() === 'ipv4' ? 24 : 56;
  const bytes = address.toByteArray().map((byte, index) => (index < bits / 8 ? byte : 0));
  return `${ip.fromByteArray(bytes).toString()}/${bits}`;
}

const internalRanges = new Set<string>(['private', 'loopback', 'linkLocal', 'uniqueLocal', 'carrierGradeNat']);

function isInternal(address: Address): boolean {
  return internalRanges.has(address.range());
}
