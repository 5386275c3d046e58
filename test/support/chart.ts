import { join } from 'node:path';
import { parse } from 'yaml';
import { run } from '../../cluster/process.ts';
import { tool } from './tools.ts';

export const chartFolder: string = join(import.meta.dirname, '../../charts/auth-stack');

/** An object of a chart, and the file that it comes from. */
export interface RenderedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

export interface Rendered<T extends RenderedObject = RenderedObject> {
  /** From the chart's own folder on, `templates/operator/rbac.yaml`. */
  readonly file: string;
  readonly object: T;
}

export interface Release {
  readonly name: string;
  readonly namespace: string;
  readonly values?: object;
}

/** What helm would install. */
export async function renderChart({ name, namespace, values = {} }: Release): Promise<readonly Rendered[]> {
  const args = ['template', name, chartFolder, '--namespace', namespace, '--values', '-'];
  return objectsIn(await run(await tool('helm'), args, { input: JSON.stringify(values) }));
}

/** The documents of a manifest as helm writes it: each begins with a comment that names its file. */
export function objectsIn(manifest: string): readonly Rendered[] {
  return manifest.split(/^---$/m).flatMap((text) => {
    const object = parse(text) as RenderedObject | null;
    const [, file = 'unknown file'] = /^# Source: [^/]+\/(.+)$/m.exec(text) ?? [];
    return object ? [{ file, object }] : [];
  });
}
