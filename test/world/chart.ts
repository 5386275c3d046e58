import { helm } from '../../cluster/chart.ts';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../charts/auth-stack');
const RELEASE = 'auth-stack';

/** The release of `make up`, with the values it was installed with. */
async function currentValues(): Promise<string> {
  return helm(['get', 'values', RELEASE, '--output', 'json']);
}

/** Disposing gives the release the values back that it had. */
export interface InstalledChart extends AsyncDisposable {
  uninstall(): Promise<void>;
  /** Installs it again with the values it had. */
  install(): Promise<void>;
  /** With these values over those that it has. */
  upgrade(changes: Readonly<Record<string, unknown>>): Promise<void>;
}

export async function installedChart(): Promise<InstalledChart> {
  const values = await currentValues();
  const waiting = ['--wait', '--timeout', '5m', '--values', '-'];
  let isChanged = false;
  return {
    async uninstall() {
      await helm(['uninstall', RELEASE, '--wait', '--timeout', '5m']);
    },
    async install() {
      await helm(['install', RELEASE, folder, ...waiting], values);
    },
    async upgrade(changes) {
      isChanged = true;
      await helm(['upgrade', RELEASE, folder, '--reset-then-reuse-values', ...waiting], JSON.stringify(changes));
    },
    async [Symbol.asyncDispose]() {
      if (isChanged) await helm(['upgrade', RELEASE, folder, ...waiting], values);
    },
  };
}
