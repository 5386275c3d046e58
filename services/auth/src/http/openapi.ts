import { PROBLEM_TYPE, problemSchema } from '@authstack/http-service/problems';
import { z } from 'zod';
import type { CookieNames } from '../api.ts';
import { authContract } from '../api.ts';
import type { ProblemCode, ProblemStatuses } from '../errors.ts';
import type { Operation } from './route.ts';

export interface OpenApiInput {
  readonly title: string;
  /** Where it is served, where a pod knows that. */
  readonly server?: string;
  readonly problems: ProblemStatuses;
  readonly securitySchemes: SecuritySchemes;
}

export type SecuritySchemes = Readonly<Record<string, object>>;

/** Of the public listener. */
export function sessionSchemes(cookies: CookieNames): SecuritySchemes {
  return {
    session: { type: 'apiKey', in: 'cookie', name: cookies.session },
    bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'at+jwt' },
  };
}

/** Of the listener for services. */
export const clientSchemes: SecuritySchemes = {
  clientSecret: { type: 'http', scheme: 'basic', description: 'client-id and client-secret, each form-encoded.' },
  serviceAccount: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: `A projected token of the ServiceAccount that the AuthConsumer names, for the stack's issuer; the header ${authContract.clientIdHeader} has the client-id.`,
  },
};

/** OpenAPI 3.1, made from the list of routes that the listener serves. */
export function openApiDocument(operations: readonly Operation[], input: OpenApiInput): object {
  const { title, server, problems, securitySchemes } = input;
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: described(operation, problems) };
  }
  return {
    openapi: '3.1.0',
    info: { title, version: '0.1.0' },
    ...(server !== undefined && { servers: [{ url: server }] }),
    paths,
    components: {
      schemas: { Problem: asJsonSchema(problemSchema(Object.keys(problems))) },
      securitySchemes,
    },
  };
}

function described(operation: Operation, problems: ProblemStatuses): object {
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
        ...(reply.stream !== undefined && { content: { [reply.stream]: { schema: { type: 'string' } } } }),
      },
      ...(operation.revalidates && { 304: { description: 'What the client has is still current' } }),
      ...refusals([...new Set([...operation.problems, ...everywhere, ...impliedOf(operation)])], problems),
    },
  };
}

/** What any operation can be answered, whatever it does. */
const everywhere = ['BAD_REQUEST', 'INTERNAL'] as const satisfies readonly ProblemCode[];

/** A parameter with characters that no path has is no path: @authstack/http-service/canonical-path. */
const misspelt = ['NOT_FOUND'] as const satisfies readonly ProblemCode[];

/** What comes before the handler of an operation. */
function impliedOf({ access, parameters }: Operation): readonly ProblemCode[] {
  return [...(parameters ? misspelt : []), ...(access === 'client' ? unknownClient : [])];
}

const unknownClient = ['INVALID_CLIENT', 'NOT_READY'] as const satisfies readonly ProblemCode[];

function securityOf({ access, credentials = [] }: Operation): object[] {
  switch (access) {
    case 'session':
      return [{ session: [] }, { bearer: [] }];
    case 'public':
      return [{}, ...credentials.map((name) => ({ [name]: [] }))];
    case 'client':
      return Object.keys(clientSchemes).map((name) => ({ [name]: [] }));
    case 'ops':
      return [];
  }
}

function parametersOf({ query, parameters, headers = [], revalidates = false }: Operation): object[] {
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
    ...headers.map(({ name, values, description }) => ({
      name,
      in: 'header',
      required: false,
      description,
      schema: { type: 'string', ...(values && { enum: values }) },
    })),
    ...(revalidates ? [{ name: 'If-None-Match', in: 'header', required: false, schema: { type: 'string' } }] : []),
  ];
}

function refusals(codes: readonly ProblemCode[], problems: ProblemStatuses): Record<string, object> {
  const byStatus = Map.groupBy(codes, (code) => problems[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      status,
      {
        description: same.join(', '),
        headers: headersOf(status),
        content: { [PROBLEM_TYPE]: { schema: problemOf(same) } },
      },
    ]),
  );
}

/** The codes of one operation and status: a client can tell from the document what it may meet. */
function problemOf(codes: readonly ProblemCode[]): object {
  return {
    allOf: [{ $ref: '#/components/schemas/Problem' }, { type: 'object', properties: { code: { enum: codes } } }],
  };
}

function headersOf(status: number): object {
  const header = (name: string, description: string, type: string): object => ({
    [name]: { description, schema: { type } },
  });
  if (status === 401) return header('WWW-Authenticate', 'How to show who asks', 'string');
  return status === 429 || status === 503 ? header('Retry-After', 'Seconds', 'integer') : {};
}

function asJsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}
