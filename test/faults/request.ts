import type { IncomingMessage } from 'node:http';

/** One request of an API client, as far as a fault may depend on it. */
export interface SeenRequest {
  readonly act: 'watch' | 'list' | 'read' | 'write';
  readonly method: string;
  /** What it is about, the same in every namespace and every run: `PUT secrets main-ca`, `list pods`. */
  readonly label: string;
  readonly resource: string;
}

/** The body is looked at only for the name of what is created. */
export function readRequest({ method = 'GET', url = '/' }: IncomingMessage, body: string): SeenRequest {
  const { pathname, searchParams } = new URL(url, 'http://gateway');
  const parts = partsOf(pathname);
  const subject = [parts.resource, parts.name ?? nameIn(body), parts.subresource].filter((part) => part !== undefined);
  const act = actOf(method, { isWatch: searchParams.get('watch') === 'true', hasName: parts.name !== undefined });
  const label = `${act === 'write' ? method : act} ${subject.join(' ')}`;
  return { act, method, label, resource: parts.resource };
}

function actOf(
  method: string,
  { isWatch, hasName }: { readonly isWatch: boolean; readonly hasName: boolean },
): SeenRequest['act'] {
  if (method !== 'GET') return 'write';
  if (isWatch) return 'watch';
  return hasName ? 'read' : 'list';
}

/** `/apis/<group>/<version>` or `/api/v1`, then perhaps `namespaces/<namespace>`, then what it is about. */
function partsOf(pathname: string): { resource: string; name?: string; subresource?: string } {
  const [root, ...rest] = pathname.split('/').filter((part) => part !== '');
  const path = rest.slice(root === 'apis' ? 2 : 1);
  const isInside = path[0] === 'namespaces' && path.length > 2;
  const [resource = '', name, subresource] = isInside ? path.slice(2) : path;
  return { resource, ...(name !== undefined && { name }), ...(subresource !== undefined && { subresource }) };
}

function nameIn(body: string): string | undefined {
  if (body === '') return undefined;
  const { metadata } = JSON.parse(body) as { readonly metadata?: { readonly name?: string } };
  return metadata?.name;
}
