import { readFileSync, realpathSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Millis } from './clock.ts';
import { codeOf } from './error-code.ts';
import { MountUnusable } from './errors.ts';
import { trustFiles } from './trust.ts';
import type { TrustFiles } from './trust.ts';

export interface MountOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** Called when the content differs from the last one, and for each new reason why it cannot be read. */
  readonly changed: (content: TrustFiles | MountUnusable) => void;
}

const CHECK_EVERY: Millis = 1_000;

/**
 * A mounted Secret. kubelet replaces it by swapping the symlink `..data`, so all files are read behind one resolution of it:
 * never some of the old Secret with some of the new.
 *
 *     jwks.json ─▸ ..data/jwks.json      ..data ─▸ ..2026_11_26/ ╌╌swap╌╌▸ ..2026_11_27/
 *
 * The watch makes it quick, a check once a second makes it certain.
 */
export class Mount {
  private readonly options: MountOptions;
  private lastSeen: string | undefined;
  private watcher: FSWatcher | undefined;
  private cancel: (() => void) | undefined;
  private closed = false;

  constructor(options: MountOptions) {
    this.options = options;
  }

  start(): void {
    this.check();
    this.checkAgainLater();
  }

  close(): void {
    this.closed = true;
    this.cancel?.();
    this.watcher?.close();
  }

  private check(): void {
    if (this.closed) return;
    this.watcher ??= this.watch();
    const content = read(this.options.directory);
    const identity = content instanceof MountUnusable ? content.message : JSON.stringify(content);
    if (identity === this.lastSeen) return;
    this.lastSeen = identity;
    this.options.changed(content);
  }

  private checkAgainLater(): void {
    this.cancel = this.options.clock.after(CHECK_EVERY, () => {
      this.check();
      if (!this.closed) this.checkAgainLater();
    });
  }

  private watch(): FSWatcher | undefined {
    try {
      const watcher = watch(this.options.directory, { persistent: false }, () => {
        this.check();
      });
      watcher.on('error', () => {
        watcher.close();
        if (this.watcher === watcher) this.watcher = undefined;
      });
      return watcher;
    } catch {
      // Not there yet, or no watches left on this machine: the check once a second remains.
      return undefined;
    }
  }
}

function read(directory: string): TrustFiles | MountUnusable {
  try {
    const generation = generationOf(directory);
    const files = readAll(generation);
    // If kubelet swapped and removed it during the read, the next check reads the new one.
    return generation === generationOf(directory) ? files : readAll(generationOf(directory));
  } catch (cause) {
    return new MountUnusable(`it cannot be read: ${codeOf(cause)}`, { cause });
  }
}

/** The folder behind `..data`; a folder that kubelet did not make has none and is read as it is. */
function generationOf(directory: string): string {
  try {
    return realpathSync(join(directory, '..data'));
  } catch {
    return realpathSync(directory);
  }
}

function readAll(folder: string): TrustFiles {
  const read = trustFiles.flatMap((name) => {
    try {
      return [[name, readFileSync(join(folder, name), 'utf8')] as const];
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  });
  return Object.fromEntries(read);
}
