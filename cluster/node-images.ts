import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { docker } from './docker.ts';
import { clusterName, kind, nodeNames } from './kind.ts';

/**
 * Brings images into the nodes, those that some node lacks; answers what was brought. A name stands for one content:
 * what we build is tagged by it.
 */
export async function loadImages(tags: readonly string[]): Promise<readonly string[]> {
  const held = await Promise.all((await nodeNames()).map(imagesOf));
  const missing = tags.filter((tag) => !held.every((names) => names.has(fullName(tag))));
  if (missing.length === 0) return [];

  const folder = await mkdtemp(join(tmpdir(), 'images-'));
  try {
    const archive = join(folder, 'images.tar');
    // One archive, so that the layers they share travel once.
    await docker(['save', '--output', archive, ...missing]);
    await kind(['load', 'image-archive', archive, '--name', clusterName]);
  } finally {
    await rm(folder, { recursive: true });
  }
  return missing;
}

async function imagesOf(node: string): Promise<ReadonlySet<string>> {
  return new Set((await docker(['exec', node, 'ctr', '-n', 'k8s.io', 'images', 'list', '--quiet'])).split('\n'));
}

/** The name that containerd gives to what docker calls `authstack/operator:dev`. */
export function fullName(tag: string): string {
  const [first = '', ...rest] = tag.split('/');
  if (rest.length === 0) return `docker.io/library/${tag}`;
  const namesRegistry = first === 'localhost' || first.includes('.') || first.includes(':');
  return namesRegistry ? tag : `docker.io/${tag}`;
}
