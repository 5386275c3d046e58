import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buildImage } from '../docker.ts';

export interface ImageSource {
  readonly tag: string;
  readonly dockerfile: readonly string[];
  /** Files and folders for the build context, each under its own name. */
  readonly files?: readonly string[];
}

/** Builds an image from a Dockerfile given as lines and files from anywhere. */
export async function buildFrom({ tag, dockerfile, files = [] }: ImageSource): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'image-'));
  try {
    await mkdir(context, { recursive: true });
    for (const file of files) {
      // Links stay links: the names of Kubernetes' components all point to one binary.
      await cp(file, join(context, basename(file)), { recursive: true, verbatimSymlinks: true });
    }
    await writeFile(join(context, 'Dockerfile'), `${dockerfile.join('\n')}\n`);
    await buildImage({ tag, context });
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** For images without a base that would set it. */
export const pathLine = 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A shell line that copies programs and the libraries they load into the folder /slim. */
export function slimCopy(...programs: readonly string[]): string {
  const all = programs.join(' ');
  return `RUN for f in ${all} $(for p in ${all}; do ldd $p; done | grep -o '/[^ ]*' | sort -u); do mkdir -p "/slim$(dirname $f)"; cp -L "$f" "/slim$f"; done`;
}
