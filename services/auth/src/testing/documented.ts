import { z } from 'zod';

/** A request, what it was answered, and by which pod. */
export interface Exchange {
  readonly url: string;
  readonly method: string;
  readonly path: string;
  readonly sent: unknown;
  readonly sentHeaders?: Readonly<Record<string, string>>;
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | undefined>>;
    readonly body: unknown;
  };
}

type JsonSchema = Readonly<Record<string, unknown>>;

const content = z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()) }));
const operation = z.object({
  parameters: z.array(z.object({ name: z.string(), in: z.string() })),
  requestBody: z.object({ content }).optional(),
  responses: z.record(
    z.string(),
    z.object({ content: content.optional(), headers: z.record(z.string(), z.unknown()).optional() }),
  ),
});
const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), z.record(z.string(), z.unknown())) }),
});
type OpenApi = z.infer<typeof documentSchema>;

const documents = new Map<string, Promise<OpenApi>>();

function documentOf(url: string): Promise<OpenApi> {
  const known = documents.get(url);
  if (known) return known;
  const fetched = fetch(`${url}/openapi.json`).then(async (answer) => documentSchema.parse(await answer.json()));
  documents.set(url, fetched);
  fetched.catch(() => documents.delete(url));
  return fetched;
}

/**
 * Holds every answer that a test gets against the OpenAPI document of the pod that gave it: status, media type, content and
 * code must be in it, and what was accepted must be what it asks for. Paths and methods that are in no document are the
 * business of other tests. `published`: the document, where it is not at the address that answered. Where a content depends on a header of the request, only the variant for what was sent will do.
 */
export async function expectDocumented(exchange: Exchange, published?: unknown): Promise<void> {
  const { url, method, path, answer } = exchange;
  const { status } = answer;
  const known = published === undefined ? await documentOf(url) : documentSchema.parse(published);
  const document = withHeaders(known, exchange.sentHeaders ?? {});
  const [pathname = '', query = ''] = path.split('?', 2);
  const [template] = Object.keys(document.paths).filter((one) => matches(one, pathname));
  const found = template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
  if (!found) return;

  const faults = [...faultsOfAnswer(answer, found, document)];
  if (status < 300) faults.push(...faultsOfRequest(exchange, { found, query }));
  if (faults.length > 0) {
    throw new Error(`${method} ${path} answered ${status}, which openapi.json does not have: ${faults.join('; ')}`);
  }
}

/** The document for whoever sends these headers: of each content that depends on them the variants that are theirs. */
function withHeaders(document: OpenApi, sent: Readonly<Record<string, string>>): OpenApi {
  const values = new Map(Object.entries(sent).map(([name, value]) => [name.toLowerCase(), value]));
  const isTheirs = (variant: unknown): boolean => {
    const wanted = (variant as JsonSchema)['x-with-headers'] as Record<string, string | null> | undefined;
    return Object.entries(wanted ?? {}).every(([name, value]) => (values.get(name.toLowerCase()) ?? null) === value);
  };
  return rewritten(document, (part) => {
    const variants = part['anyOf'];
    return Array.isArray(variants) ? { ...part, anyOf: variants.filter(isTheirs) } : part;
  }) as OpenApi;
}

function matches(template: string, pathname: string): boolean {
  const [wanted, given] = [template, pathname].map((text) => text.split('/')) as [string[], string[]];
  return wanted.length === given.length && wanted.every((part, index) => part.startsWith('{') || part === given[index]);
}

function* faultsOfAnswer(
  answer: Exchange['answer'],
  { responses }: z.infer<typeof operation>,
  document: OpenApi,
): Generator<string> {
  const { status, headers, body } = answer;
  const response = responses[String(status)];
  if (!response) {
    yield `no status ${status}: ${JSON.stringify(body)}`;
    return;
  }
  for (const name of Object.keys(response.headers ?? {})) {
    if (headers[name.toLowerCase()] === undefined) yield `no header ${name}, which it has to have`;
  }
  if (response.content) yield* faultsOfContent(answer, response.content, document);
  else if (body !== '') yield 'no content';
}

function* faultsOfContent(
  { headers, body }: Exchange['answer'],
  described: z.infer<typeof content>,
  document: OpenApi,
): Generator<string> {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
  const schema = described[type]?.schema;
  if (schema) yield* faultsOf(schema, body, document);
  else yield `no ${type} among ${Object.keys(described).join(', ')}`;
}

function* faultsOfRequest(
  { sent }: Exchange,
  { found, query }: { readonly found: z.infer<typeof operation>; readonly query: string },
): Generator<string> {
  const known = found.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  for (const name of new URLSearchParams(query).keys()) {
    if (!known.includes(name)) yield `it accepted the query parameter ${name}`;
  }
  if (sent === undefined) return;
  const schema = found.requestBody?.content['application/json']?.schema;
  if (!schema) yield 'it accepted a body';
  else yield* zodFaults(schema, asJson(sent)).map((fault) => `it accepted a body in which ${fault}`);
}

/** Tests send a text where the body is not to be touched. */
function asJson(sent: unknown): unknown {
  return typeof sent === 'string' ? (JSON.parse(sent) as unknown) : sent;
}

function* faultsOf(schema: JsonSchema, value: unknown, document: OpenApi): Generator<string> {
  const parts = (schema['allOf'] as JsonSchema[] | undefined) ?? [schema];
  for (const part of parts) {
    const reference = part['$ref'];
    const name = typeof reference === 'string' ? reference.replace('#/components/schemas/', '') : undefined;
    const whole = name === undefined ? part : document.components.schemas[name];
    // A part of a whole need not name every member; the whole must.
    yield* zodFaults(parts.length > 1 && name === undefined ? (whole ?? {}) : closed(whole ?? {}), value);
  }
}

function zodFaults(schema: JsonSchema, value: unknown): string[] {
  const asked = z.fromJSONSchema(withoutFormats(schema));
  return (asked.safeParse(value).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

/** A member that is not described is a fault here, although clients are told to let it pass. */
function closed(schema: unknown): JsonSchema {
  return rewritten(schema, (part) =>
    'properties' in part && !('additionalProperties' in part) ? { ...part, additionalProperties: false } : part,
  );
}

/** In JSON Schema 2020-12 a format is a remark. */
function withoutFormats(schema: unknown): JsonSchema {
  return rewritten(schema, ({ format: _, ...part }) => part);
}

function rewritten(schema: unknown, change: (part: JsonSchema) => JsonSchema): JsonSchema {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(change(value as JsonSchema)).map(([key, each]) => [key, walk(each)]));
  };
  return walk(schema) as JsonSchema;
}
