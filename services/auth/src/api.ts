import { z } from 'zod';

/** What operator and auth service agree on. */
export const authContract = {
  /** Of the listener for kubelet, Prometheus and operator. */
  probePort: 9090,
  /** Where a pod tells there how it stands. */
  statusPath: '/status',
} as const;

/** What is told there. Whoever reaches the pod can read it, so nothing of it is a secret. */
export const podStatus = z.object({
  /** What must come before requests may; empty when the pod is ready. */
  missing: z.array(z.string()),
  database: z.object({
    /** It answers now. */
    up: z.boolean(),
    /** Why it does not, in the driver's words; absent until that is known. */
    problem: z.string().optional(),
  }),
});

export type PodStatus = z.infer<typeof podStatus>;
