import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { boundedRunc, lackingCapabilities } from './bounded-runc.ts';
import { run } from './process.ts';

test.each([
  ['nothing is lacking where every bit is set', { bounding: '000001ffffffffff', last: 40, lacking: [] }],
  ['what a machine lacks is named', { bounding: '000001fffeffffff', last: 40, lacking: ['CAP_SYS_RESOURCE'] }],
  ['what the kernel does not know is not missed', { bounding: '0000003fffffffff', last: 37, lacking: [] }],
])('%s', (_law, { bounding, last, lacking }) => {
  expect(lackingCapabilities(bounding, last)).toEqual(lacking);
});

test('runc reads a configuration without what is lacking, and its arguments are untouched', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bounded-runc-'));
  try {
    const given = { bounding: ['CAP_CHOWN', 'CAP_SYS_RESOURCE'], effective: ['CAP_SYS_RESOURCE'] };
    const bounded = { bounding: ['CAP_CHOWN'], effective: [] };
    const args = ['echo', 'CAP_SYS_RESOURCE'];
    const config = join(folder, 'config.json');
    const process = join(folder, 'process.json');
    await writeFile(config, JSON.stringify({ process: { args, capabilities: given } }));
    await writeFile(process, JSON.stringify({ args, capabilities: given }));
    await mkdir(join(folder, 'plain'));
    await writeFile(join(folder, 'plain/config.json'), JSON.stringify({ process: { args } }));
    const wrapper = join(folder, 'wrapper');
    await writeFile(wrapper, boundedRunc('/bin/echo', ['CAP_SYS_RESOURCE']));
    await chmod(wrapper, 0o755);

    const said = await run(wrapper, ['--root', '/r', 'create', '--bundle', folder, 'id']);
    await run(wrapper, ['--root', '/r', 'exec', '--process', process, 'id']);
    await run(wrapper, ['--root', '/r', 'create', '--bundle', join(folder, 'plain'), 'id']);

    expect(said).toBe(`--root /r create --bundle ${folder} id\n`);
    expect(JSON.parse(await readFile(config, 'utf8'))).toEqual({ process: { args, capabilities: bounded } });
    expect(JSON.parse(await readFile(process, 'utf8'))).toEqual({ args, capabilities: bounded });
    expect(JSON.parse(await readFile(join(folder, 'plain/config.json'), 'utf8'))).toEqual({ process: { args } });
  } finally {
    await rm(folder, { recursive: true });
  }
});
