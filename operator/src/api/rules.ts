export interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
}

/** CEL rules for the schema they are given to; `message` is shown where `messageExpression` fails. */
export function rules(...list: readonly Rule[]): { 'x-kubernetes-validations': readonly Rule[] } {
  return { 'x-kubernetes-validations': list };
}

/** Refuses every change; `instead` says what to do where one is wanted. */
export function immutable(field: string, instead: string): Rule {
  return { rule: 'self == oldSelf', message: `${field} is immutable; ${instead}` };
}
