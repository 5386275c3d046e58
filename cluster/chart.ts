import { join } from 'node:path';
import type { ProductTags, ThirdPartyImages } from './images.ts';
import { context } from './kind.ts';
import { run } from './process.ts';
import { tool } from './provide.ts';

const RELEASE = 'auth-stack';
const NAMESPACE = 'authstack-system';
const chart = join(import.meta.dirname, '../charts/auth-stack');

export interface Images {
  readonly products: ProductTags;
  readonly thirdParty: ThirdPartyImages;
}

export async function helm(args: readonly string[], input?: string): Promise<string> {
  const all = ['--kube-context', context, '--namespace', NAMESPACE, ...args];
  return run(await tool('helm'), all, input === undefined ? {} : { input });
}

/** Installs or upgrades the operator, with the images of this cluster. */
export async function installChart({ products, thirdParty }: Images): Promise<void> {
  const image = (reference: string): object => {
    const colon = reference.lastIndexOf(':');
    return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) };
  };
  const { version, image: mongod } = thirdParty.mongod;
  const values = {
    image: {
      operator: image(products.operator),
      auth: image(products.auth),
      agent: image(products['mongodb-agent']),
    },
    mongodb: { defaultVersion: version, images: { [version]: mongod } },
  };
  const wait = ['--wait', '--timeout', '3m'];
  const command = ['upgrade', RELEASE, chart, '--install', '--create-namespace', ...wait, '--values', '-'];
  await helm(command, JSON.stringify(values));
}
