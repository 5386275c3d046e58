import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Millis } from '@authstack/http-service/clock';
import type { Logger } from 'pino';
import { readWrappingKey } from './wrapped-key.ts';
import type { WrappingKey } from './wrapped-key.ts';

const POLL_EVERY: Millis = 1_000;
/** Longer than any form of a wrapping key; whatever else is in the Secret is not read. */
const MOST_BYTES = 128;

export interface WrappingKeysPorts {
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The wrapping keys that a pod mounts: whatever entry of the owner's Secrets is one, so that the former and the next key can be
 * there at the same time, under any name. Looked at once a second; a Secret that does not exist is an empty folder.
 */
export class WrappingKeys {
  private readonly directories: readonly string[];
  private readonly ports: WrappingKeysPorts;
  private readonly listeners: (() => void)[] = [];
  private keys: ReadonlyMap<string, WrappingKey> = new Map();
  private cancel: (() => void) | undefined;
  private stopped = false;

  constructor(directories: readonly string[], ports: WrappingKeysPorts) {
    this.directories = directories;
    this.ports = ports;
  }

  get ids(): readonly string[] {
    return [...this.keys.keys()];
  }

  readonly find = (id: string): WrappingKey | undefined => this.keys.get(id);

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Looks once, then once a second. */
  async start(): Promise<void> {
    if (this.directories.length === 0) return;
    await this.look();
    this.again();
  }

  stop(): void {
    this.stopped = true;
    this.cancel?.();
  }

  async look(): Promise<void> {
    const found = (await Promise.all(this.directories.map(keysIn))).flat();
    const keys = new Map(found.map((key) => [key.id, key] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    if ([...keys.keys()].join() === this.ids.join()) return;
    this.keys = keys;
    this.ports.log.info({ wrappingKeys: this.ids }, 'wrapping keys changed');
    for (const listener of this.listeners) listener();
  }

  private again(): void {
    if (this.stopped) return;
    this.cancel = this.ports.clock.after(POLL_EVERY, () => {
      void this.look().finally(() => {
        this.again();
      });
    });
  }
}

async function keysIn(directory: string): Promise<readonly WrappingKey[]> {
  const names = await readdir(directory).catch(() => []);
  // kubelet's own folders begin with two dots, and no entry of a Secret does.
  const keys = await Promise.all(
    names.filter((name) => !name.startsWith('..')).map((name) => keyIn(join(directory, name))),
  );
  return keys.filter((key) => key !== undefined);
}

async function keyIn(path: string): Promise<WrappingKey | undefined> {
  try {
    if ((await stat(path)).size > MOST_BYTES) return undefined;
    const key = readWrappingKey(await readFile(path));
    return 'why' in key ? undefined : key;
  } catch {
    // Gone since it was listed.
    return undefined;
  }
}
