import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundle, products } from '../cluster/images.ts';
import type { ProductImage } from '../cluster/images.ts';

/** What a container of an image runs. */
export interface Image {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Puts what the image has in `/app` into `<folder>/app`; its built page only where somebody looks at it. */
export async function bundled(
  name: ProductImage['name'],
  { folder, withPage = false }: { readonly folder: string; readonly withPage?: boolean },
): Promise<Image> {
  const product = products.find((one) => one.name === name);
  if (!product) throw new Error(`there is no image ${name}`);
  const { page, ...rest } = product;
  await bundle({ ...rest, ...(withPage && page !== undefined && { page }) }, folder);
  const { entrypoint, environment } = await configurationOf(product);
  return { environment, command: entrypoint.map((word) => word.replace(/^\/app/, join(folder, 'app'))) };
}

/** Flags and variables as the image has them. */
async function configurationOf({ entry }: ProductImage): Promise<{
  readonly entrypoint: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}> {
  const path = join(import.meta.dirname, '..', dirname(entry), '../Dockerfile');
  const dockerfile = await readFile(path, 'utf8');
  const environment = /^ENV (.*)$/m.exec(dockerfile)?.[1]?.split(' ') ?? [];
  const entrypoint = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1];
  if (entrypoint === undefined) throw new Error(`read ${path}: it has no ENTRYPOINT`);
  return {
    entrypoint: JSON.parse(entrypoint) as string[],
    environment: Object.fromEntries(environment.map((each) => each.split('=') as [string, string])),
  };
}
