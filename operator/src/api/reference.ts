import { documented, sources } from './crd.ts';
import type { JsonSchema } from './crd.ts';

/** The field reference of both kinds as Markdown, from the same schemas as the CRDs. */
export function fieldReference(): string {
  const lines = [
    '# API reference: authstack.dev/v1alpha1',
    '',
    'Generated from `operator/src/api` by `make generate`; edit the schemas, not this page.',
    '',
    'A duration is a string of `w`, `d`, `h`, `m` and `s` parts, largest first: `30d`, `1h30m`, `90s`. A time is RFC 3339.',
  ];
  for (const { kind, shortName, description, schema } of sources.map(documented)) {
    const properties = schema['properties'] as Record<string, JsonSchema>;
    lines.push('', `## ${kind}`, '', `${description} Short name: \`${shortName}\`.`);
    for (const part of ['spec', 'status']) {
      lines.push('', `### ${kind} ${part}`, '', '| field | type | default | meaning |', '|---|---|---|---|');
      lines.push(...rows(part, properties[part] ?? {}));
    }
    const rules = ruleTexts('', schema);
    if (rules.length > 0) {
      lines.push('', `### ${kind} rules`, '', 'Refused at `kubectl apply` otherwise:', '', ...rules);
    }
  }
  return `${lines.join('\n')}\n`;
}

function rows(path: string, schema: JsonSchema): string[] {
  const required = new Set((schema['required'] as string[] | undefined) ?? []);
  return Object.entries((schema['properties'] as Record<string, JsonSchema> | undefined) ?? {}).flatMap(
    ([name, field]) => {
      const at = `${path}.${name}`;
      const inner = field['type'] === 'array' ? (field['items'] as JsonSchema) : field;
      const children = rows(field['type'] === 'array' ? `${at}[]` : at, inner);
      return [
        `| \`${at}\` | ${typeText(field)} | ${defaultText(field, required.has(name))} | ${text(field['description'])} |`,
        ...children,
      ];
    },
  );
}

const formats: Readonly<Record<string, string>> = { duration: 'duration', 'date-time': 'time' };

function typeText(field: JsonSchema): string {
  if (field['enum'] !== undefined) return (field['enum'] as unknown[]).map((value) => `\`${String(value)}\``).join(' ');
  if (field['type'] === 'array') return `list of ${typeText(field['items'] as JsonSchema)}`;
  const { minimum, maximum } = field as { minimum?: number; maximum?: number };
  const { format } = field as { format?: string };
  return (
    (formats[format ?? ''] ?? text(field['type'])) +
    (minimum !== undefined && maximum !== undefined ? ` ${minimum}–${maximum}` : '')
  );
}

function defaultText(field: JsonSchema, required: boolean): string {
  if (required) return 'required';
  return field['default'] === undefined ? '' : `\`${JSON.stringify(field['default'])}\``;
}

function ruleTexts(path: string, schema: JsonSchema): string[] {
  const own = (schema['x-kubernetes-validations'] as { message?: string }[] | undefined) ?? [];
  const properties = (schema['properties'] as Record<string, JsonSchema> | undefined) ?? {};
  const items = schema['items'] as JsonSchema | undefined;
  const field = path === '' ? '' : `\`${path}\`: `;
  return [
    ...own.map(({ message }) => `- ${field}${text(message)}`),
    ...Object.entries(properties).flatMap(([name, inner]) => ruleTexts(path === '' ? name : `${path}.${name}`, inner)),
    ...(items ? ruleTexts(`${path}[]`, items) : []),
  ];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.replaceAll('|', '\\|') : '';
}
