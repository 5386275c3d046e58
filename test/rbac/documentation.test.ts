import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { renderChart } from '../support/chart.ts';
import { grantsTo } from './grants.ts';

const root = join(import.meta.dirname, '../..');
const text = await readFile(join(root, 'docs/security/rbac.md'), 'utf8');
const account = 'system:serviceaccount:system:auth-stack';

interface Paragraph {
  readonly rule: string;
  readonly section: string;
  readonly body: string;
}

/** Those with a heading that is a rule, "### `pods`: list, watch". */
function paragraphs(): readonly Paragraph[] {
  return text.split(/^## /m).flatMap((chapter) => {
    const [section = '', ...parts] = chapter.split(/^### /m);
    return parts.map((part) => {
      const [rule = '', ...body] = part.split('\n');
      return { rule, section: section.split('\n')[0] ?? '', body: body.join('\n') };
    });
  });
}

async function rulesIn(values: object): Promise<ReadonlyMap<string, string>> {
  const grants = grantsTo(account, await renderChart({ name: 'auth-stack', namespace: 'system', values }));
  const rules = Map.groupBy(grants, ({ rule, namespace = '' }) => `${rule} ${namespace}`);
  return new Map(
    [...rules.values()].map((same) => {
      const resources = [...new Set(same.map(({ resource }) => `\`${resource}\``))].join(', ');
      const verbs = [...new Set(same.map(({ verb }) => verb))].join(', ');
      return [`${resources}: ${verbs}`, same[0]?.namespace ?? ''];
    }),
  );
}

const sections = {
  everywhere: 'Rules in every scope',
  cluster: 'Rules for the whole cluster only',
  listed: 'Rules in listed namespaces only',
  own: "Rules in the operator's own namespace",
};

test('every rule of the chart has its paragraph in the section of its scope, and every paragraph its rule', async () => {
  const cluster = await rulesIn({});
  const listed = await rulesIn({ watchNamespaces: ['auth'] });
  const sectionOf = (rule: string): string => {
    if ((cluster.get(rule) ?? listed.get(rule)) === 'system') return sections.own;
    if (cluster.has(rule) && listed.has(rule)) return sections.everywhere;
    return cluster.has(rule) ? sections.cluster : sections.listed;
  };
  const wanted = [...new Set([...cluster.keys(), ...listed.keys()])].map((rule) => `${sectionOf(rule)} / ${rule}`);
  const written = paragraphs().map(({ section, rule }) => `${section} / ${rule}`);
  expect(written.toSorted((a, b) => a.localeCompare(b))).toEqual(wanted.toSorted((a, b) => a.localeCompare(b)));
});

test.each(paragraphs().map((paragraph) => [paragraph.rule, paragraph] as const))(
  '%s: the code that needs it and what it cannot prevent are documented',
  (_rule, { body }) => {
    const code = [...body.matchAll(/`(operator\/[^`]+)`/g)].map(([, path = '']) => path);
    expect(code.length).toBeGreaterThan(0);
    expect(code.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(body).toContain('*Cannot prevent*:');
  },
);
