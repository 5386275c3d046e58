import { readdir } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import type { ScenarioFile } from './schedule.ts';

const WITHOUT_JEST = new URL('./without-jest.ts', import.meta.url).href;

/** Imports every scenario file, which declares what is in it and runs nothing. */
export async function readScenarioFiles(folder = import.meta.dirname): Promise<readonly ScenarioFile[]> {
  // Jest's own module refuses to be imported outside of a test run.
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === '@jest/globals' ? { url: WITHOUT_JEST, shortCircuit: true } : next(specifier, context),
  });
  const { declarations } = await import('../world/scenario.ts');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.e2e.ts')).sort();
  const files: ScenarioFile[] = [];
  for (const name of names) {
    const path = join(folder, name);
    await import(path);
    files.push({ path, scenarios: declarations.splice(0) });
  }
  return files;
}
