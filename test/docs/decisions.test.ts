import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';

const folder = join(import.meta.dirname, '../../docs/decisions');
/** What each record begins with. */
const HEAD =
  /^# (?<title>\d+)\. .+\n\n- date: (?<date>\d{4}-\d\d-\d\d)\n- status: (?:accepted|superseded by \[(?<by>\d+)\]\((?<link>[a-z0-9-]+\.md)\))\n\n/;

interface DecisionRecord {
  readonly file: string;
  readonly text: string;
}

let records: readonly DecisionRecord[] = [];

beforeAll(async () => {
  const files = (await readdir(folder)).filter((file) => file !== 'README.md').sort();
  records = await Promise.all(files.map(async (file) => ({ file, text: await readFile(join(folder, file), 'utf8') })));
});

const headOf = ({ text }: DecisionRecord): Partial<Record<string, string>> => HEAD.exec(text)?.groups ?? {};
const numberOf = (file: string): number => Number(/^(\d{4})(-[a-z0-9]+)+\.md$/.exec(file)?.[1]);

test('every record begins with its title, its date and a status', () => {
  expect(records.filter(({ text }) => !HEAD.test(text)).map(({ file }) => file)).toEqual([]);
});

test('records are numbered without a gap and in the order of their dates', () => {
  const consecutive = records.map((_, index) => index + 1);
  expect(records.map(({ file }) => numberOf(file))).toEqual(consecutive);
  expect(records.map((record) => Number(headOf(record)['title']))).toEqual(consecutive);
  const dates = records.map((record) => headOf(record)['date'] ?? '');
  expect(dates).toEqual(dates.toSorted((a, b) => a.localeCompare(b)));
});

test('a superseded record names a later one, which links back to it', () => {
  const superseded = records.filter((record) => headOf(record)['link'] !== undefined);
  expect(superseded.length).toBeGreaterThan(0);
  for (const record of superseded) {
    const later = records.find(({ file }) => file === headOf(record)['link']);
    expect(numberOf(later?.file ?? '')).toBeGreaterThan(numberOf(record.file));
    expect(later?.text).toContain(`](${record.file})`);
  }
});

test('a link that names a number leads to the record of that number', () => {
  const links = records.flatMap(({ text }) => [...text.matchAll(/\[(?:record )?(\d+)\]\((\d{4})-/g)]);
  expect(links.length).toBeGreaterThan(5);
  expect(links.filter(([, named, led]) => Number(named) !== Number(led)).map(([link]) => link)).toEqual([]);
});
