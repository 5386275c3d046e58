import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';
import { Server } from 'node:net';

/*
 * Loaded before a program that would be a pod: what the network of a cluster has and loopback has not. It listens on an address of
 * its own, so that every pod can have the same ports, and finds the name of a Service, behind which each connection leads to a pod
 * chosen anew.
 */

const { BENCH_ADDRESS: address, BENCH_NAMES: known = '{}' } = process.env;
const names = new Map(Object.entries(JSON.parse(known) as Record<string, string[]>));

interface Place {
  readonly host?: string;
}

if (address !== undefined) {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- because it is called with its server below
  const listen: (this: Server, at: Place) => Server = Server.prototype.listen;
  Object.assign(Server.prototype, {
    listen(this: Server, at: Place): Server {
      return listen.call(this, { ...at, host: at.host ?? address });
    },
  });
}

const lookup = dns.lookup;
Object.assign(dns, {
  lookup(host: string, options: object): Promise<unknown> {
    const addresses = names.get(host);
    if (!addresses) return lookup(host, options);
    const chosen = addresses[Math.floor(Math.random() * addresses.length)];
    return Promise.resolve([{ address: chosen, family: 4 }]);
  },
});
syncBuiltinESMExports();
