import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readImports, sourceFolders } from './imports.ts';
import { MARKERS, faultsOf, pictureOf } from './picture.ts';

/** `make picture`: draws the rooms into CONTRIBUTING.md; fails when an arrow would run back. */
const imports = await readImports(...sourceFolders);
const faults = faultsOf(imports);
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 1;
} else {
  const path = join(import.meta.dirname, '../../CONTRIBUTING.md');
  const [before, rest = ''] = (await readFile(path, 'utf8')).split(MARKERS.begin);
  const after = rest.split(MARKERS.end)[1];
  if (after === undefined) throw new Error(`CONTRIBUTING.md lacks the markers ${MARKERS.begin} and ${MARKERS.end}`);
  await writeFile(path, `${before ?? ''}${MARKERS.begin}\n\n${pictureOf(imports)}\n\n${MARKERS.end}${after}`);
}
