import type { AuditedRequest } from '../support/api-server.ts';
import type { Use } from './right.ts';

/** The user agent of operator/src/main.ts: tests act under the same account by other means. */
const OPERATOR = 'authstack-operator';

export function isOfOperator({ user, userAgent }: AuditedRequest, account: string): boolean {
  return user.username === account && userAgent === OPERATOR;
}

/** The rights that one request asked for, whatever came of it. */
export function usesOf(request: AuditedRequest): readonly Use[] {
  const { verb, objectRef, requestURI, responseStatus } = request;
  const example = `${verb} ${requestURI}`;
  // A path of no resource is its own name in a rule of another kind.
  if (!objectRef) return [{ apiGroup: '', resource: requestURI.replace(/\?.*/, ''), verb, example }];
  const { resource, apiGroup = '', subresource, namespace, name } = objectRef;
  const use: Use = {
    apiGroup,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    verb,
    example,
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
  };
  // An apply (or a put) that makes its object is asked for both; the API server audits it by the verb it came with.
  const made = responseStatus?.code === 201 && (verb === 'patch' || verb === 'update');
  return made ? [use, { ...use, verb: 'create', example: `${example}, which made the object` }] : [use];
}

/** Each right once for each object it was used on, with the first request as its example. */
export function distinct(uses: Iterable<Use>): readonly Use[] {
  const found = new Map<string, Use>();
  for (const use of uses) {
    const { apiGroup, resource, verb, namespace, name } = use;
    const key = JSON.stringify([apiGroup, resource, verb, namespace, name]);
    if (!found.has(key)) found.set(key, use);
  }
  return [...found.values()];
}
