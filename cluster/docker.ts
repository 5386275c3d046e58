import { run, succeeds } from './process.ts';
import type { RunOptions } from './process.ts';
import { publicImages } from './versions.ts';

// The classic builder is in every engine; BuildKit is a plug-in that Debian packages apart.
const env = { DOCKER_BUILDKIT: '0' };

export function docker(args: readonly string[], options: RunOptions = {}): Promise<string> {
  return run('docker', args, { ...options, env: { ...env, ...options.env } });
}

export function dockerAnswers(): Promise<boolean> {
  return succeeds('timeout', ['20', 'docker', 'version', '--format', '{{.Server.Version}}']);
}

export function imageExists(tag: string): Promise<boolean> {
  return succeeds('docker', ['image', 'inspect', tag]);
}

/** Content id of an image, `sha256:…`. */
export async function imageId(tag: string): Promise<string> {
  return (await docker(['image', 'inspect', '--format', '{{.Id}}', tag])).trim();
}

export interface BuildOptions {
  readonly tag: string;
  /** The build context; its Dockerfile unless `dockerfile` names another. */
  readonly context: string;
  readonly dockerfile?: string;
  readonly args?: Readonly<Record<string, string>>;
}

export async function buildImage({ tag, context, dockerfile, args = {} }: BuildOptions): Promise<void> {
  const buildArgs = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  const file = dockerfile === undefined ? [] : ['--file', dockerfile];
  await docker(['build', '--quiet', '--tag', tag, ...file, ...buildArgs, context]);
}

let pullable: Promise<boolean> | undefined;

/** Whether this machine reaches a container registry. Asked once; a closed network may take its time to say no. */
export function canPullImages(): Promise<boolean> {
  pullable ??= succeeds('timeout', ['20', 'docker', 'pull', '--quiet', publicImages.probe]);
  return pullable;
}
