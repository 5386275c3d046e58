import { jsonBody } from '@authstack/http-service/json-body';
import { parsed } from '@authstack/http-service/validation';
import { Router } from 'express';
import type { Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';
import type { ProblemCode } from '../errors.ts';
import type { Actor } from '../sessions/present.ts';

/**
 * Who may call an operation, and what its handler learns about them. The listener that serves an access has its gate:
 *
 * ```
 * listeners/public.ts   public, session
 * listeners/ops.ts      ops
 * ```
 */
export interface Callers {
  /** Anybody; what a request shows is the handler's affair. */
  readonly public: undefined;
  /** Whoever is signed in. */
  readonly session: Actor;
  /** Whoever reaches the port, which is never on the Ingress. */
  readonly ops: undefined;
}
export type Access = keyof Callers;

/** What is known of an operation without calling it: documents and the containment matrix are made from it. */
export interface Operation<A extends Access = Access> {
  readonly method: 'get' | 'post' | 'delete';
  /** As OpenAPI spells it: `/api/users/sessions/{id}`. */
  readonly path: string;
  readonly access: A;
  readonly summary: string;
  /** With access `public`: a session is used where one is shown. */
  readonly credentials?: readonly ('session' | 'bearer')[];
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  readonly parameters?: z.ZodObject;
  readonly headers?: readonly string[];
  readonly reply: { readonly status: number; readonly schema?: z.ZodType };
  readonly problems: readonly ProblemCode[];
}

/** An operation and what it does. */
export interface Route<A extends Access = Access> extends Operation<A> {
  readonly handlerBehind: (gates: Gates<A>) => RequestHandler;
}

/** One for each access that a listener serves: it lets the caller in, or throws what the caller is answered. */
export type Gates<A extends Access> = {
  readonly [Each in A]: (request: Request) => Callers[Each] | Promise<Callers[Each]>;
};

/** Each input is parsed by the route's own schema when the handler asks for it, so that it decides what is refused first. */
export interface Call<Caller, Body, Query, Parameters> {
  readonly request: Request;
  readonly response: Response;
  readonly caller: Caller;
  readonly body: () => Body;
  readonly query: () => Query;
  readonly parameters: () => Parameters;
}

export interface RouteDefinition<A extends Access, Body, Query, Parameters, Reply> extends Operation<A> {
  readonly body?: z.ZodType<Body>;
  readonly query?: z.ZodObject & z.ZodType<Query>;
  readonly parameters?: z.ZodObject & z.ZodType<Parameters>;
  readonly reply: { readonly status: number; readonly schema?: z.ZodType<Reply> };
  readonly handle: (call: Call<Callers[A], Body, Query, Parameters>) => NoInfer<Reply> | Promise<NoInfer<Reply>>;
}

export function route<A extends Access, Body, Query, Parameters, Reply>(
  definition: RouteDefinition<A, Body, Query, Parameters, Reply>,
): Route<A> {
  const { handle, ...operation } = definition;
  const { method, path, access, body, query, parameters, reply } = definition;

  function read<T>(schema: z.ZodType<T> | undefined, value: unknown, name: string): T {
    if (!schema) throw new TypeError(`${method} ${path} declares no ${name}`);
    return parsed(schema, value, { name });
  }

  return {
    ...operation,
    handlerBehind: (gates) => async (request, response) => {
      const caller = await gates[access](request);
      const content = await handle({
        request,
        response,
        caller,
        body: () => read(body, request.body, 'body'),
        query: () => read(query, request.query, 'query'),
        parameters: () => read(parameters, request.params, 'path'),
      });
      response.status(reply.status);
      if (reply.schema) response.json(content);
      else response.end();
    },
  };
}

const MAX_BODY = '16kb';

export function routerOf<A extends Access>(routes: readonly Route<A>[], gates: Gates<A>): Router {
  const router = Router().use(jsonBody({ limit: MAX_BODY }));
  for (const { method, path, handlerBehind } of routes) router[method](expressPath(path), handlerBehind(gates));
  return router;
}

function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
