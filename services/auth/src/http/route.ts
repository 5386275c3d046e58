import { refuseOtherMethods } from '@authstack/http-service/allowed-methods';
import type { Clock } from '@authstack/http-service/clock';
import { exactRouter } from '@authstack/http-service/exact-router';
import { jsonBody } from '@authstack/http-service/json-body';
import { parsed } from '@authstack/http-service/validation';
import type { Request, RequestHandler, Response, Router } from 'express';
import type { z } from 'zod';
import type { ProblemCode } from '../errors.ts';
import { forOneClient } from './patience.ts';

/**
 * Who may call an operation. Each access has one way to make its routes, and one gate, in the listener that serves it:
 *
 * ```
 * public    anybody                                      publicRoute    listeners/public.ts
 * session   whoever is signed in                         sessionRoute   listeners/public.ts
 * client    a service that consents now                  clientRoute    listeners/services.ts
 * ops       whoever reaches the port, never an Ingress                  listeners/ops.ts
 * ```
 */
export type Access = 'public' | 'session' | 'client' | 'ops';

/** A header that a client may send. */
export interface HeaderParameter {
  readonly name: string;
  /** It has one of these; absent: its description says what it has. */
  readonly values?: readonly [string, ...string[]];
  readonly description: string;
}

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
  /** Absent: 16 KiB. */
  readonly maxBodyBytes?: number;
  readonly query?: z.ZodObject;
  readonly parameters?: z.ZodObject;
  readonly headers?: readonly HeaderParameter[];
  /** It has an ETag: a client that has it already is answered 304. */
  readonly revalidates?: boolean;
  readonly reply: Reply;
  readonly problems: readonly ProblemCode[];
}

export interface Reply<Content = unknown> {
  readonly status: number;
  /** Of its JSON; absent: it has no content. */
  readonly schema?: z.ZodType<Content>;
  /** Media type of an answer that has no end of its own: the handler writes it, head and all. */
  readonly stream?: string;
}

/** An operation and what it does for its caller. */
export interface Route<A extends Access, Caller> extends Operation<A> {
  readonly handlerBehind: (gates: Gate<A, Caller>) => RequestHandler;
}

/** Lets the caller in, or throws what the caller is answered. */
export type Gate<A extends Access, Caller> = Readonly<Record<A, (request: Request) => Caller | Promise<Caller>>>;

/** Each input is parsed by the route's own schema when the handler asks for it, so that it decides what is refused first. */
export interface Call<Caller, Body, Query, Parameters> {
  readonly request: Request;
  readonly response: Response;
  readonly caller: Caller;
  readonly body: () => Body;
  readonly query: () => Query;
  readonly parameters: () => Parameters;
}

export interface RouteDefinition<Caller, Body, Query, Parameters, Content> extends Omit<Operation, 'access'> {
  readonly body?: z.ZodType<Body>;
  readonly query?: z.ZodObject & z.ZodType<Query>;
  readonly parameters?: z.ZodObject & z.ZodType<Parameters>;
  readonly reply: Reply<Content>;
  readonly handle: (call: Call<Caller, Body, Query, Parameters>) => NoInfer<Content> | Promise<NoInfer<Content>>;
}

export type MakeRoute<A extends Access, Caller> = <Body, Query, Parameters, Content>(
  definition: RouteDefinition<Caller, Body, Query, Parameters, Content>,
) => Route<A, Caller>;

/** How routes of one access are made; their handlers are given the caller that its gate lets in. */
export function routesFor<A extends Access, Caller>(access: A): MakeRoute<A, Caller> {
  return ({ handle, ...operation }) => {
    const { body, query, parameters, reply } = operation;
    return {
      ...operation,
      access,
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
        if (reply.stream !== undefined) return;
        response.status(reply.status);
        if (reply.schema) response.json(content);
        else response.end();
      },
    };
  };
}

export type PublicRoute = Route<'public', undefined>;
export const publicRoute: MakeRoute<'public', undefined> = routesFor('public');

function read<T>(schema: z.ZodType<T> | undefined, value: unknown, name: string): T {
  if (!schema) throw new TypeError(`the route declares no ${name}`);
  return parsed(schema, value, { name });
}

const MAX_BODY_BYTES = 16 * 1024;

interface Mountable<Gates> extends Pick<Operation, 'method' | 'path' | 'maxBodyBytes'> {
  readonly handlerBehind: (gates: Gates) => RequestHandler;
}

export function routerOf<Gates>(
  routes: readonly Mountable<Gates>[],
  { gates, clock }: { readonly gates: Gates; readonly clock: Clock },
): Router {
  const router = exactRouter();
  for (const { method, path, maxBodyBytes: maxBytes = MAX_BODY_BYTES, handlerBehind } of routes) {
    const body = jsonBody({ maxBytes });
    const answer = handlerBehind(gates);
    // From here on, when the body has been read: a client that sends slowly takes its own time.
    const handler: RequestHandler = (...exchange) => forOneClient(clock, () => answer(...exchange));
    router[method](expressPath(path), ...(method === 'get' ? [handler] : [body, handler]));
  }
  return refuseOtherMethods(router);
}

function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
