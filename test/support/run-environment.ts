import { cpus, totalmem } from 'node:os';
import { run } from '../../cluster/process.ts';

/** Machine and commit, without which no figure means anything. */
export async function runEnvironment(): Promise<string> {
  const commit = (await run('git', ['describe', '--always', '--dirty', '--abbrev=10'])).trim();
  const [{ model } = { model: 'unknown CPU' }] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, commit ${commit}, ${cpus().length} cores (${model.trim()}), ${memory} GiB, Node ${process.version}`;
}
