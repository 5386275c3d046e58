/** What the ops listener of every service answers. */
export const opsPaths = { alive: '/healthz', ready: '/readyz', metrics: '/metrics' } as const;
