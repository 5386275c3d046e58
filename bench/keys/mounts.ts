import type { Secret } from '../../operator/src/runtime/core-kinds.ts';
import type { ObjectRef } from '../../operator/src/runtime/objects.ts';
import type { Store } from '../../operator/src/runtime/store.ts';
import { textsIn } from '../../operator/src/stored/secret.ts';
import { mountSecret } from '../../services/auth/src/testing/world.ts';

/** Under which name a file has which key of the Secret. */
export interface Item {
  readonly key: string;
  readonly path: string;
}

export interface Mounted {
  readonly secrets: Store<Secret>;
  /** So long after a change of the Secret its mount has it: no kubelet is there. */
  readonly after: number;
  /** Absent: all keys, by their own names. */
  readonly items?: readonly Item[] | undefined;
}

export interface FollowingMount extends AsyncDisposable {
  readonly directory: string;
}

/** A folder with a Secret that is there by now, and with what it becomes. */
export async function mountOf(ref: ObjectRef, { secrets, after, items }: Mounted): Promise<FollowingMount> {
  const filesOf = (secret: Secret): Readonly<Record<string, string>> => {
    const texts = textsIn(secret);
    if (!items) return texts;
    return Object.fromEntries(items.map(({ key, path }) => [path, texts[key] ?? '']));
  };
  const first = secrets.get(ref);
  if (!first) throw new Error(`there is no Secret ${ref.namespace ?? ''}/${ref.name} to mount`);
  const mount = await mountSecret(filesOf(first));
  const late = new Set<NodeJS.Timeout>();
  let swapped: Promise<unknown> = Promise.resolve();
  let isThere = true;
  secrets.onChange(({ after: secret }) => {
    if (!isThere || secret?.metadata.namespace !== ref.namespace || secret?.metadata.name !== ref.name) return;
    const timer = setTimeout(() => {
      late.delete(timer);
      swapped = swapped.then(() => mount.swap(filesOf(secret)));
    }, after);
    late.add(timer);
  });
  return {
    directory: mount.directory,
    async [Symbol.asyncDispose]() {
      isThere = false;
      for (const timer of late) clearTimeout(timer);
      await swapped;
      await mount[Symbol.asyncDispose]();
    },
  };
}
