/** One thing that RBAC can grant: a verb on a resource, in one namespace or in all of the cluster. */
export interface Right {
  /** Empty: core. */
  readonly apiGroup: string;
  /** With its subresource, `authstacks/status`. */
  readonly resource: string;
  readonly verb: string;
  /** Absent: the whole cluster. */
  readonly namespace?: string;
}

/** A right that was asked for. */
export interface Use extends Right {
  /** Of the object; absent where RBAC gets to see none, as with create and list. */
  readonly name?: string;
  /** A request that asked for it, for people. */
  readonly example: string;
}

/** A right that a role gives to the operator's account. */
export interface Grant extends Right {
  /** None: objects of every name. */
  readonly names: readonly string[];
  /** Roles of one name in several namespaces say the same; a rule of all of them is one rule. */
  readonly rule: string;
  /** Where the chart has it. */
  readonly file: string;
}

export function describeRight({ apiGroup, resource, verb, namespace }: Right): string {
  const group = apiGroup === '' ? '' : `.${apiGroup}`;
  return `${verb} ${resource}${group} ${namespace === undefined ? 'in the whole cluster' : `in namespace ${namespace}`}`;
}

export function covers(grant: Grant, use: Use): boolean {
  return (
    grant.verb === use.verb &&
    grant.resource === use.resource &&
    grant.apiGroup === use.apiGroup &&
    (grant.namespace === undefined || grant.namespace === use.namespace) &&
    (grant.names.length === 0 || (use.name !== undefined && grant.names.includes(use.name)))
  );
}
