import { PROBLEM_TYPE, problemSchema } from '@authstack/http-service/problems';
import { z } from 'zod';
import { problems } from '../errors.ts';
import type { ProblemCode } from '../errors.ts';
import { newPassword } from '../passwords/password.ts';
import {
  bodyRefreshRequest,
  currentUserReply,
  refreshReply,
  sessionIdParameter,
  sessionsReply,
  signInRequest,
  signOutQuery,
  tokensReply,
  userReply,
} from '../sessions/requests.ts';

export interface OpenApiInput {
  readonly issuer: string;
  readonly passwordMinLength: number;
  readonly cookies: { readonly token: { readonly name: string }; readonly session: { readonly name: string } };
}

interface Operation {
  readonly method: 'get' | 'post' | 'delete';
  readonly path: string;
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  readonly parameters?: z.ZodObject;
  readonly headers?: readonly string[];
  readonly reply: { readonly status: number; readonly schema?: z.ZodType };
  readonly signedIn?: boolean;
  readonly problems: readonly ProblemCode[];
}

const unreadable = ['VALIDATION_FAILED', 'MALFORMED_JSON', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const;
const delivery = ['Authstack-Delivery'];

/** OpenAPI 3.1, made from the schemas that validate the requests. */
export function openApiDocument({ issuer, passwordMinLength, cookies }: OpenApiInput): object {
  const operations = theOperations(signInRequest.extend({ password: newPassword(passwordMinLength) }));
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: described(operation) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'AuthStack auth service', version: '0.1.0' },
    servers: [{ url: issuer }],
    paths,
    components: {
      schemas: { Problem: asJsonSchema(problemSchema(Object.keys(problems))) },
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: cookies.session.name },
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'at+jwt' },
      },
    },
  };
}

function theOperations(signUpRequest: z.ZodType): readonly Operation[] {
  return [
    {
      method: 'post',
      path: '/api/users/signup',
      summary: 'Make an account and sign in',
      body: signUpRequest,
      reply: { status: 201, schema: userReply },
      problems: [...unreadable, 'CSRF_REJECTED', 'EMAIL_TAKEN', 'OVERLOADED', 'DATABASE_UNAVAILABLE'],
    },
    {
      method: 'post',
      path: '/api/users/signin',
      summary: 'Sign in',
      body: signInRequest,
      headers: delivery,
      reply: { status: 200, schema: z.union([userReply, tokensReply]) },
      problems: [
        ...unreadable,
        'INVALID_CREDENTIALS',
        'USER_BANNED',
        'USER_DISABLED',
        'CSRF_REJECTED',
        'BODY_DELIVERY_REFUSED',
        'OVERLOADED',
        'DATABASE_UNAVAILABLE',
      ],
    },
    {
      method: 'post',
      path: '/api/users/refresh',
      summary: "A fresh access token and the session's next token",
      body: bodyRefreshRequest.optional(),
      headers: delivery,
      reply: { status: 200, schema: z.union([refreshReply, tokensReply]) },
      signedIn: true,
      problems: [
        ...unreadable,
        'SESSION_INVALID',
        'SESSION_REUSED',
        'TOKEN_INVALID',
        'CSRF_REJECTED',
        'BODY_DELIVERY_REFUSED',
        'DATABASE_UNAVAILABLE',
      ],
    },
    {
      method: 'post',
      path: '/api/users/signout',
      summary: 'End this session, or all of them',
      query: signOutQuery,
      reply: { status: 204 },
      signedIn: true,
      problems: [...unreadable, 'TOKEN_INVALID', 'CSRF_REJECTED', 'DATABASE_UNAVAILABLE'],
    },
    {
      method: 'get',
      path: '/api/users/currentuser',
      summary: 'Who is signed in',
      reply: { status: 200, schema: currentUserReply },
      signedIn: true,
      problems: ['TOKEN_INVALID', 'DATABASE_UNAVAILABLE'],
    },
    {
      method: 'get',
      path: '/api/users/sessions',
      summary: "The user's own open sessions",
      reply: { status: 200, schema: sessionsReply },
      signedIn: true,
      problems: ['SESSION_INVALID', 'SESSION_REUSED', 'TOKEN_INVALID', 'DATABASE_UNAVAILABLE'],
    },
    {
      method: 'delete',
      path: '/api/users/sessions/{id}',
      summary: "End one of the user's own sessions",
      parameters: sessionIdParameter,
      reply: { status: 204 },
      signedIn: true,
      problems: [
        'VALIDATION_FAILED',
        'SESSION_INVALID',
        'SESSION_REUSED',
        'TOKEN_INVALID',
        'CSRF_REJECTED',
        'SESSION_NOT_FOUND',
        'DATABASE_UNAVAILABLE',
      ],
    },
    {
      method: 'get',
      path: '/.well-known/jwks.json',
      summary: 'The public keys that verify access tokens',
      reply: { status: 200, schema: z.object({ keys: z.array(z.record(z.string(), z.string())) }) },
      problems: ['NOT_READY'],
    },
    {
      method: 'get',
      path: '/.well-known/openid-configuration',
      summary: 'Discovery',
      reply: { status: 200, schema: z.object({ issuer: z.string(), jwks_uri: z.string() }) },
      problems: ['NOT_READY'],
    },
  ];
}

function described(operation: Operation): object {
  const { summary, body, reply, signedIn } = operation;
  return {
    summary,
    parameters: parametersOf(operation),
    ...(body && {
      requestBody: {
        required: !body.safeParse(undefined).success,
        content: { 'application/json': { schema: asJsonSchema(body) } },
      },
    }),
    ...(signedIn && { security: [{ session: [] }, { bearer: [] }] }),
    responses: {
      [reply.status]: {
        description: 'Done',
        ...(reply.schema && { content: { 'application/json': { schema: asJsonSchema(reply.schema) } } }),
      },
      ...refusals(operation.problems),
    },
  };
}

function parametersOf({ query, parameters, headers = [] }: Operation): object[] {
  const from = (place: 'query' | 'path', object: z.ZodObject | undefined): object[] =>
    Object.entries(object?.shape ?? {}).map(([name, schema]) => ({
      name,
      in: place,
      required: place === 'path',
      schema: asJsonSchema(schema as z.ZodType),
    }));
  return [
    ...from('path', parameters),
    ...from('query', query),
    ...headers.map((name) => ({ name, in: 'header', required: false, schema: { const: 'body' } })),
  ];
}

function refusals(codes: readonly ProblemCode[]): Record<string, object> {
  const byStatus = Map.groupBy(codes, (code) => problems[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      status,
      {
        description: same.join(', '),
        content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}

function asJsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}
