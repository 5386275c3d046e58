import { z } from 'zod';
import type { Pod } from '../runtime/core-kinds.ts';
import type { Millis } from '../runtime/objects.ts';

const template = z.object({
  spec: z.object({
    containers: z.array(
      z.object({ env: z.array(z.object({ name: z.string(), value: z.string().optional() })).optional() }),
    ),
  }),
});

/** A setting in seconds that the pod was started with; 0 where it has none. */
export function settingMillis(pod: Pod, name: string): Millis {
  const containers = template.safeParse(pod).data?.spec.containers ?? [];
  const values = containers.flatMap(({ env = [] }) => env.filter((entry) => entry.name === name));
  const seconds = values.map(({ value }) => Number(value)).filter((value) => Number.isFinite(value));
  return Math.max(0, ...seconds) * 1000;
}

/** Since when each container of the pod runs. */
export function startsOf({ status }: Pod): readonly Millis[] {
  const containers = status?.containerStatuses ?? [];
  return containers.flatMap(({ state }) => (state?.running?.startedAt ? [Date.parse(state.running.startedAt)] : []));
}
