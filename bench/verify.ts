import { userFrom } from '../packages/verify/src/user.ts';
import { TokenCache } from '../packages/verify/src/token-cache.ts';
import { consumerSecret, secretMount } from '../packages/verify/src/testing/secret-mount.ts';
import type { SecretMount } from '../packages/verify/src/testing/secret-mount.ts';
import { Report, median } from './report.ts';
import {
  bareSignature,
  fastJwt,
  jose,
  jsonwebtoken,
  oursWith,
  repeated,
  repeatedInPromises,
} from './verify/candidates.ts';
import { cpuMicros, interleaved, rateOf, ratio } from './verify/cpu.ts';
import { parameters } from './verify/parameters.ts';
import { RouteServer } from './verify/route.ts';
import type { Bringing } from './verify/route.ts';
import { byZipf, inTurn, key, tokensOf } from './verify/tokens.ts';

/** `make bench-verify`: what verifying a token costs, beside its peers and beside nothing but the signature. */
const report = new Report('verify');

async function main(): Promise<void> {
  await using mount = await secretMount(consumerSecret([key]));
  await measureCold(mount);
  for (const size of parameters.cachedTokens) await measureCached(mount, size);
  measureHits(mount);
  measureRevocation();
  await measureRoutes(mount);
  await write();
}

async function measureCold(mount: SecretMount): Promise<void> {
  const tokens = tokensOf(2_000);
  using verifier = oursWith(mount, 0);
  // No token is there when it comes again, so each is verified and cached anew.
  using caching = oursWith(mount, 1);
  const measured = await interleaved(
    {
      bare: bareSignature(tokens),
      ours: repeated(inTurn(tokens), (token) => verifier.verify(token)),
      caching: repeated(inTurn(tokens), (token) => caching.verify(token)),
      jsonwebtoken: repeated(inTurn(tokens), jsonwebtoken),
      'fast-jwt': repeated(inTurn(tokens), fastJwt(false)),
      jose: repeatedInPromises(inTurn(tokens), jose),
    },
    { rounds: parameters.rounds, calls: parameters.coldCalls },
  );
  report.add({ what: 'ES256, not cached: crypto.verify alone', measured: rateOf(measured.bare) });
  const reached = ratio(measured.bare, measured.ours);
  report.add({
    what: '@authstack/verify, and its part of that rate',
    measured: `${rateOf(measured.ours)}, ${reached.toFixed(3)}`,
    budget: '≥ 0.95',
    kept: reached >= 0.95,
  });
  for (const [what, values] of [
    ['@authstack/verify, and put into its cache', measured.caching],
    ['jsonwebtoken', measured.jsonwebtoken],
    ['fast-jwt', measured['fast-jwt']],
    ['jose', measured.jose],
  ] as const) {
    report.add({ what, measured: `${rateOf(values)}, ${ratio(measured.bare, values).toFixed(3)}` });
  }
}

async function measureCached(mount: SecretMount, size: number): Promise<void> {
  const tokens = tokensOf(size);
  using verifier = oursWith(mount, Math.max(10_000, size));
  const fast = fastJwt(Math.max(10_000, size));
  for (const token of tokens) {
    verifier.verify(token);
    fast(token);
  }
  const measured = await interleaved(
    {
      ours: repeated(inTurn(tokens), (token) => verifier.verify(token)),
      'fast-jwt': repeated(inTurn(tokens), fast),
    },
    { rounds: parameters.rounds, calls: parameters.cachedCalls },
  );
  const reached = ratio(measured['fast-jwt'], measured.ours);
  report.add({
    what: `${size} cached tokens: @authstack/verify`,
    measured: `${rateOf(measured.ours)}, ${reached.toFixed(1)} × fast-jwt`,
    budget: '≥ 1 × fast-jwt',
    kept: reached >= 1,
  });
  report.add({ what: `${size} cached tokens: fast-jwt`, measured: rateOf(measured['fast-jwt']) });
}

/** With the default cache, which is smaller than the number of tokens. */
function measureHits(mount: SecretMount): void {
  const tokens = tokensOf(parameters.loadTokens);
  const loads = { 'in turn': inTurn, 'by Zipf’s law': byZipf };
  for (const [name, load] of Object.entries(loads)) {
    using verifier = oursWith(mount);
    const ours = hitsOf(load(tokens), (token) => verifier.verify(token));
    report.add({
      what: `${tokens.length} tokens ${name}, 10,000 places: @authstack/verify`,
      measured: ours.shown,
      budget: '> 0 hits',
      kept: ours.hits > 0,
    });
    report.add({
      what: `${tokens.length} tokens ${name}, 10,000 places: fast-jwt`,
      measured: hitsOf(load(tokens), fastJwt(10_000)).shown,
    });
  }
}

/** A hit answers with the object of the last time. The first time that each token is asked for is not counted. */
function hitsOf(
  next: () => string,
  verify: (token: string) => unknown,
): { readonly hits: number; readonly shown: string } {
  const last = new Map<string, unknown>();
  let hits = 0;
  let asked = 0;
  const before = cpuMicros();
  for (let call = 0; call < parameters.loadCalls; call += 1) {
    const token = next();
    const user = verify(token);
    if (last.has(token)) asked += 1;
    if (last.get(token) === user) hits += 1;
    last.set(token, user);
  }
  const millis = (cpuMicros() - before) / parameters.loadCalls / 1_000;
  return { hits, shown: `${((100 * hits) / asked).toFixed(1)} % hits, ${millis.toPrecision(3)} CPU-ms for each` };
}

function measureRevocation(): void {
  for (const size of parameters.cachedTokens) {
    const cache = new TokenCache(size);
    const costs = Array.from({ length: parameters.rounds }, () => {
      for (let index = 0; index < size; index += 1) {
        const claims = {
          iss: 'i',
          sub: `u${index}`,
          aud: 'a',
          exp: 1,
          iat: 0,
          jti: 'j',
          client_id: 'c',
          sid: `s${index}`,
          ver: 0,
          roles: [],
        };
        cache.set(`header.payload.${index}`, userFrom(claims), { until: Infinity, now: 0 });
      }
      const before = cpuMicros();
      for (let index = 0; index < size; index += 1) cache.revokeUser(`u${index}`, 1);
      return (cpuMicros() - before) / size;
    });
    report.add({ what: `${size} cached tokens: one user's taken out`, measured: `${median(costs).toFixed(2)} CPU-µs` });
  }
}

const bringings: readonly (Bringing & { readonly what: string; readonly isOurs: boolean })[] = [
  { what: 'as a bearer', guarded: '/guarded', header: (token) => `Authorization: Bearer ${token}`, isOurs: true },
  {
    what: 'as a cookie, beside the session',
    guarded: '/guarded',
    header: (token) => `Cookie: theme=dark; __Host-token=${token}; __Host-session=${'s'.repeat(64)}`,
    isOurs: true,
  },
  { what: 'as a bearer', guarded: '/fast-jwt', header: (token) => `Authorization: Bearer ${token}`, isOurs: false },
];

async function measureRoutes(mount: SecretMount): Promise<void> {
  using server = await RouteServer.start(mount);
  for (const { what, isOurs, ...bringing } of bringings) {
    const costs = await server.costAbove(bringing, {
      pairs: parameters.routePairs,
      requests: parameters.routeRequests,
    });
    const millis = median(costs) / 1_000;
    report.add({
      what: `Express route above the bare one, cached token ${what}: ${isOurs ? 'requireUser()' : 'fast-jwt'}`,
      measured: `${millis.toFixed(4)} CPU-ms`,
      ...(isOurs && { budget: '≤ 0.005 CPU-ms', kept: millis <= 0.005 }),
    });
  }
}

async function write(): Promise<void> {
  await report.write({
    title: 'Verifying tokens',
    about: [
      '`make bench-verify` writes this page. Rates are of CPU time (`process.cpuUsage`) of one process, and not of the clock on the',
      'wall, so that what else runs on the machine counts little; candidates take turns, and each figure is the median of its',
      'rounds, a ratio that of the ratios round by round. Routes run in a process of their own, behind a client that pipelines.',
    ],
    parameters,
  });
}

await main();
