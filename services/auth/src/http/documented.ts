import { z } from 'zod';
import { openApiDocument } from './openapi.ts';
import type { OpenApiInput } from './openapi.ts';
import { publicRoute } from './route.ts';
import type { PublicRoute } from './route.ts';

/** The routes of a listener and one more, for everybody who can reach it: their document, which has itself in it. */
export function documented<R extends Parameters<typeof openApiDocument>[0][number]>(
  routes: readonly R[],
  input: OpenApiInput,
): readonly (R | PublicRoute)[] {
  const all = [
    ...routes,
    publicRoute({
      method: 'get',
      path: '/openapi.json',
      summary: 'This document',
      reply: { status: 200, schema: z.looseObject({}) },
      problems: [],
      handle({ response }) {
        response.set('cache-control', 'no-cache');
        return { ...document };
      },
    }),
  ];
  const document = openApiDocument(all, input);
  return all;
}
