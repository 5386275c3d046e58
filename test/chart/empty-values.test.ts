import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { chartFolder, renderChart } from '../support/chart.ts';

const release = { name: 'auth-stack', namespace: 'authstack-system' };
const values = parse(await readFile(join(chartFolder, 'values.yaml'), 'utf8')) as Readonly<Record<string, unknown>>;

/** Every key of values.yaml, as a path: sections, the sections in them, and single values. */
function pathsIn(section: Readonly<Record<string, unknown>>, parent: readonly string[] = []): readonly string[][] {
  return Object.entries(section).flatMap(([key, value]) => {
    const path = [...parent, key];
    const isSection = typeof value === 'object' && value !== null && !Array.isArray(value);
    return [path, ...(isSection ? pathsIn(value as Record<string, unknown>, path) : [])];
  });
}

/** `serviceMonitor:` in a values file, with nothing under it. */
function emptied(path: readonly string[]): object {
  return path.reduceRight<unknown>((value, key) => ({ [key]: value }), null) as object;
}

/** An empty value takes these out on purpose: a version that is not offered, requests or limits that are not set. */
const removable = /^(mongodb\.images\.|resources\.(requests|limits))/;
const AT_ONCE = 6;

test('an empty section or value is as if it were not there, or is refused by its name', async () => {
  const asDefault = JSON.stringify(await renderChart(release));
  const isRight = async (path: readonly string[]): Promise<boolean> => {
    const parent = path.slice(0, -1).map((one) => `/${one}`);
    try {
      return JSON.stringify(await renderChart({ ...release, values: emptied(path) })) === asDefault;
    } catch (error) {
      return String(error).includes(`at '${parent.join('')}': missing property '${path.at(-1) ?? ''}'`);
    }
  };
  const paths = pathsIn(values).filter((path) => !removable.test(path.join('.')));
  const wrong: string[] = [];
  for (let next = 0; next < paths.length; next += AT_ONCE) {
    const some = paths.slice(next, next + AT_ONCE);
    const right = await Promise.all(some.map(isRight));
    wrong.push(...some.filter((_, index) => !right[index]).map((path) => path.join('.')));
  }
  expect(wrong).toEqual([]);
}, 120_000);
