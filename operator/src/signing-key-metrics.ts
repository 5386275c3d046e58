import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { authStackKind } from './api/auth-stack.ts';
import type { AuthStack } from './api/auth-stack.ts';
import type { Cluster } from './runtime/cluster.ts';

/**
 * The rotation of each stack's keys, read from the watch whenever somebody asks. How old the active key is, the auth pods say,
 * which sign with it.
 */
export function exposeSigningKeys(cluster: Pick<Cluster, 'cachedList'>, registry: Registry): void {
  exposeTime({
    ...{ cluster, registry },
    name: 'authstack_signing_key_next_rotation_timestamp_seconds',
    help: 'When the next signing key of an AuthStack is due to sign; in the past while something holds it up.',
    timeOf: (keys) => keys.nextRotationTime,
  });
  exposeTime({
    ...{ cluster, registry },
    name: 'authstack_signing_key_last_revocation_timestamp_seconds',
    help: 'When a signing key of an AuthStack was revoked last; absent: none has been.',
    timeOf: ({ revoked = [] }) => revoked.at(-1)?.revokedTime,
  });
}

type SigningKeys = NonNullable<NonNullable<AuthStack['status']>['signingKeys']>;

interface ExposedTime {
  readonly cluster: Pick<Cluster, 'cachedList'>;
  readonly registry: Registry;
  readonly name: string;
  readonly help: string;
  /** RFC 3339. */
  readonly timeOf: (keys: SigningKeys) => string | undefined;
}

function exposeTime({ cluster, registry, name, help, timeOf }: ExposedTime): void {
  new Gauge({
    ...{ name, help, labelNames: ['object_namespace', 'object_name'], registers: [registry] },
    collect() {
      this.reset();
      for (const { metadata, status } of cluster.cachedList<AuthStack>(authStackKind)) {
        const time = Date.parse(timeOf(status?.signingKeys ?? {}) ?? '');
        if (Number.isNaN(time)) continue;
        this.set({ object_namespace: metadata.namespace ?? '', object_name: metadata.name }, time / 1000);
      }
    },
  });
}
