import { listed } from './listed.ts';
import { ApiError } from './client.ts';
import { messageOf } from './log.ts';
import { TerminalError } from './reconciler.ts';

/** Of a pass as people read it: what was seen, and what to do where that is known. */
export function failureMessage(failure: unknown): string {
  const grants = [...new Set(errorsOf(failure).flatMap(missingRights))];
  const advice = grants.length === 0 ? '' : `; grant the account of the controller: ${listed(grants)}`;
  const next =
    failure instanceof TerminalError ? 'not tried again before it changes' : 'tried again with growing pauses';
  return `${messageOf(failure)}${advice}; ${next}`;
}

/** Whether the API server refused a request for want of a right, or admission for what was in it. */
export function isForbidden(failure: unknown): boolean {
  return errorsOf(failure).some(({ status }) => status === 403);
}

/** Whether the API server refused what was in the request, and would again: invalid, or denied by admission or a quota. */
export function isRefused(failure: unknown): failure is ApiError {
  if (!(failure instanceof ApiError)) return false;
  const { status } = failure;
  return status === 400 || status === 422 || (status === 403 && missingRights(failure).length === 0);
}

function errorsOf(failure: unknown): readonly ApiError[] {
  if (failure instanceof AggregateError) return failure.errors.flatMap(errorsOf);
  return failure instanceof ApiError ? [failure] : [];
}

/** RBAC's words: `User "x" cannot patch resource "services" in API group "" in the namespace "shop"`. */
const REFUSAL =
  /cannot (\w+) resource "([^"]+)" in API group "([^"]*)" (?:in the namespace "([^"]+)"|at the cluster scope)/;

function missingRights({ message }: ApiError): readonly string[] {
  const [found, verb = '', resource = '', group = '', namespace] = REFUSAL.exec(message) ?? [];
  if (found === undefined) return [];
  const where = namespace === undefined ? 'in the whole cluster' : `in namespace ${namespace}`;
  return [`${verb} on ${resource}${group === '' ? '' : `.${group}`} ${where}`];
}
