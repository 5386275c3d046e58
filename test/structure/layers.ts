import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '../..');

/**
 * What may import what. A room is a folder or a file, named by its path. It imports itself and rooms of lower layers, never
 * one beside it. ESLint (`structure/layers`), the picture in CONTRIBUTING.md and the tests read this array.
 */
export const layers: readonly (readonly string[])[] = [
  ['packages/http-service/src', 'packages/verify/src'],
  ['services/auth/src', 'services/mongodb-agent/src', 'services/orders/src', 'web'],
  ['operator/src/runtime'],
  ['operator/src/api'],
  [
    'operator/src/planning.ts',
    'operator/src/stored',
    'operator/src/agents',
    'operator/src/auth-pods',
    'operator/src/workloads',
  ],
  [
    'operator/src/certificates',
    'operator/src/mongodb',
    'operator/src/external-database',
    'operator/src/signing-keys',
    'operator/src/auth-service',
    'operator/src/consumers',
  ],
  ['operator/src/stack'],
  ['operator/src'],
  ['cluster'],
  ['test/support'],
  ['test'],
  ['bench'],
];

/**
 * Files of the operator that read, write, wait or draw random numbers. Every other file between `runtime` and the process
 * itself is pure: what it answers depends on its arguments alone.
 */
const effectFiles = /\/(observe|apply|perform|reconcile|client)\.ts$/;
const furtherEffectFiles: readonly string[] = [
  'operator/src/auth-pods/acknowledgements.ts',
  'operator/src/auth-pods/ask.ts',
  'operator/src/auth-pods/clients-client.ts',
  'operator/src/auth-pods/keys-client.ts',
  'operator/src/auth-pods/prober.ts',
  'operator/src/auth-service/database-client.ts',
  'operator/src/auth-service/earlier-start.ts',
  'operator/src/certificates/certificate.ts',
  'operator/src/certificates/operator-identity.ts',
  'operator/src/signing-keys/fresh-key.ts',
  'operator/src/signing-keys/imported-key.ts',
  'operator/src/signing-keys/wrap-ring.ts',
  'operator/src/signing-keys/wrapping-keys.ts',
  'operator/src/workloads/pods-not-created.ts',
];
const impureRooms: readonly string[] = ['operator/src/runtime', 'operator/src'];

/** What workspaces are called where they are imported by name. */
const workspaces: Readonly<Record<string, string>> = {
  '@authstack/http-service': 'packages/http-service/src',
  '@authstack/verify': 'packages/verify/src',
  '@authstack/auth-service': 'services/auth/src',
  '@authstack/mongodb-agent': 'services/mongodb-agent/src',
};

/** The path of what a file imports, from the repository's root on; undefined for a library. */
export function importedPath(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return join(file, '..', specifier);
  const [name = ''] = /^@authstack\/[^/]+/.exec(specifier) ?? [];
  return workspaces[name];
}

/** The most specific room of a path. */
export function roomOf(path: string): string | undefined {
  const rooms = layers.flat().filter((room) => path === room || path.startsWith(`${room}/`));
  return rooms.toSorted((a, b) => b.length - a.length)[0];
}

/** Why a file must not import that path; both from the repository's root on. */
export function objectionTo(file: string, imported: string): string | undefined {
  const [from, to] = [roomOf(file), roomOf(imported)];
  if (from === undefined || to === undefined || from === to) return undefined;
  // Tests use the real parts of test/ and cluster/, and what other rooms made for tests.
  if (isTest(file) && (/^(test|cluster)\//.test(imported) || isTest(imported))) return undefined;
  const [above, below] = [from, to].map((room) => layers.findIndex((layer) => layer.includes(room)));
  if (above === undefined || below === undefined || below < above) return undefined;
  const relation = below === above ? 'beside' : 'above';
  return `${to} is ${relation} ${from}; a room imports lower layers only (test/structure/layers.ts).`;
}

export function isPure(file: string): boolean {
  const room = roomOf(file);
  if (room?.startsWith('operator/') !== true || impureRooms.includes(room) || isTest(file)) return false;
  return !effectFiles.test(file) && !furtherEffectFiles.includes(file);
}

export function isTest(path: string): boolean {
  return /\.test\.tsx?$|\/testing\//.test(path);
}

/** From the repository's root on. */
export function pathOf(filename: string): string {
  return relative(root, filename);
}
