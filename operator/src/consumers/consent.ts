import type { AuthStack } from '../api/auth-stack.ts';
import { namespaceOf } from '../api/names.ts';

type AllowedNamespaces = AuthStack['spec']['consumers']['allowedNamespaces'];
type Selector = NonNullable<AllowedNamespaces['selector']>;
type Labels = Readonly<Record<string, string>>;

export interface Asking {
  readonly namespace: string;
  readonly labels: Labels;
}

/** The stack's side of the consent, as Gateway API's `allowedRoutes` has it. */
export function allowsNamespace(stack: AuthStack, { namespace, labels }: Asking): boolean {
  const { from, selector } = stack.spec.consumers.allowedNamespaces;
  switch (from) {
    case 'Same':
      return namespace === namespaceOf(stack);
    case 'All':
      return true;
    case 'Selector':
      return selector !== undefined && selects(selector, labels);
  }
}

/** meta/v1 LabelSelector: every requirement holds; none at all selects everything. */
export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((expression) => holds(expression, labels))
  );
}

type Expression = NonNullable<Selector['matchExpressions']>[number];

function holds({ key, operator, values = [] }: Expression, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      // A label that is not there is not in the list either.
      return value === undefined || !values.includes(value);
  }
}
