import { consumerReasons } from './consumer-reasons.ts';
import { stackReasons } from './stack-reasons.ts';
import type { Row } from './reason-rows.ts';

/** Every condition and reason of both kinds as Markdown, from the table that the plans are typed by. */
export function conditionsReference(): string {
  return [
    '# Conditions and reasons',
    '',
    'Generated from `stack-reasons.ts` and `consumer-reasons.ts` of `operator/src/api` by `make generate`; edit the table, not this page.',
    '',
    'A reason says what the operator observed; the message of the condition adds which object, and the command. Where the last',
    'column is empty there is nothing to do.',
    ...sectionsOf('AuthStack', stackReasons),
    ...sectionsOf('AuthConsumer', consumerReasons),
    '',
  ].join('\n');
}

type Tables = Readonly<Record<string, Readonly<Record<string, Row>>>>;

function sectionsOf(kind: string, tables: Tables): readonly string[] {
  return [
    '',
    `## ${kind}`,
    ...Object.entries(tables).flatMap(([type, reasons]) => [
      '',
      `### ${type}`,
      ...introduction(type),
      '',
      '| status | reason | seen | do |',
      '|---|---|---|---|',
      ...Object.entries(reasons).map(rowOf),
    ]),
  ];
}

function rowOf([reason, { status, seen, do: action = '' }]: [string, Row]): string {
  const statuses = typeof status === 'string' ? status : status.join(', ');
  return `| ${statuses} | \`${reason}\` | ${seen} | ${action} |`;
}

/** What the rows of a condition do not say. */
function introduction(type: string): readonly string[] {
  if (type === 'Ready') {
    return [
      '',
      'Sums up `DatabaseReady`, `KeysReady` and `AuthReady`: it repeats the reason and message of the first that is not True.',
    ];
  }
  if (type === 'Stalled') {
    return [
      '',
      'True when something has waited past its deadline of five minutes, or needs a person at once. It repeats the reason and',
      'message of the condition that stalls.',
    ];
  }
  return [];
}
