import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { conditionsReference } from './api/conditions-reference.ts';
import { customResourceDefinitions } from './api/crd.ts';
import type { JsonSchema } from './api/crd.ts';
import { fieldReference } from './api/reference.ts';

/** Every generated file of the API: its path from the root of the repository, and what it must hold. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const crd of customResourceDefinitions()) {
    const { name } = crd['metadata'] as { name: string };
    files.set(`crds/${name}.yaml`, header + toYaml(crd));
    files.set(`charts/auth-stack/templates/crds/${name}.yaml`, chartTemplate(crd));
  }
  files.set('docs/reference/api.md', fieldReference());
  files.set('docs/reference/conditions.md', conditionsReference());
  return files;
}

const header = '# Generated from operator/src/api by `make generate`. Edit the schemas, not this file.\n';

/** The CRD as a template: upgraded with the chart, kept when the release is uninstalled. */
function chartTemplate(crd: JsonSchema): string {
  const metadata = crd['metadata'] as { name: string };
  const kept = { ...crd, metadata: { ...metadata, annotations: { 'helm.sh/resource-policy': 'keep' } } };
  return `{{- if .Values.crds.enabled }}\n${header}${toYaml(kept)}{{- end }}\n`;
}

function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Files below `root` that differ from what the schemas generate. */
export async function staleFiles(root: string): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const [path, wanted] of generatedFiles()) {
    const found = await readFile(join(root, path), 'utf8').catch(() => '');
    if (found !== wanted) stale.push(path);
  }
  return stale;
}

export async function writeGenerated(root: string): Promise<void> {
  for (const [path, content] of generatedFiles()) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

if (import.meta.main) await writeGenerated(join(import.meta.dirname, '../..'));
