import { PROBLEM_TYPE, problemSchema } from '@authstack/http-service/problems';
import { z } from 'zod';
import type { CookieNames } from '../api.ts';
import { problems } from '../errors.ts';
import type { ProblemCode } from '../errors.ts';
import type { Operation } from './route.ts';

export interface OpenApiInput {
  readonly issuer: string;
  readonly cookies: CookieNames;
}

/** OpenAPI 3.1, made from the list of routes that the listener serves. */
export function openApiDocument(operations: readonly Operation[], { issuer, cookies }: OpenApiInput): object {
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
        session: { type: 'apiKey', in: 'cookie', name: cookies.session },
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'at+jwt' },
      },
    },
  };
}

function described(operation: Operation): object {
  const { summary, body, reply } = operation;
  return {
    summary,
    parameters: parametersOf(operation),
    ...(body && {
      requestBody: {
        required: !body.safeParse(undefined).success,
        content: { 'application/json': { schema: asJsonSchema(body) } },
      },
    }),
    security: securityOf(operation),
    responses: {
      [reply.status]: {
        description: 'Done',
        ...(reply.schema && { content: { 'application/json': { schema: asJsonSchema(reply.schema) } } }),
      },
      ...refusals(operation.problems),
    },
  };
}

function securityOf({ access, credentials = [] }: Operation): object[] {
  switch (access) {
    case 'session':
      return [{ session: [] }, { bearer: [] }];
    case 'public':
      return [{}, ...credentials.map((name) => ({ [name]: [] }))];
    case 'ops':
      return [];
  }
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
