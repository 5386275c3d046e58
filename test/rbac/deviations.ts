import { covers, describeRight } from './right.ts';
import type { Grant, Use } from './right.ts';

/** What was asked for and no role gives, each with a request that asked and what to do. */
export function ungranted(grants: readonly Grant[], uses: readonly Use[]): readonly string[] {
  const missing = uses.filter((use) => !grants.some((grant) => covers(grant, use)));
  return [...new Map(missing.map((use) => [describeRight(use), use])).entries()].map(
    ([right, { example }]) =>
      `used but not granted: ${right} (${example}); grant it in charts/auth-stack/templates/operator/_rules.tpl and say why ` +
      `in docs/security/rbac.md, or do without the request`,
  );
}

/** What a role gives and nobody ever asked for. */
export function unused(grants: readonly Grant[], uses: readonly Use[]): readonly string[] {
  // Roles of one name in the listed namespaces are one rule: which of them hosts a stack is for people to say.
  const rules = Map.groupBy(grants, ({ rule, apiGroup, resource, verb }) =>
    JSON.stringify([rule, apiGroup, resource, verb]),
  );
  return [...rules.values()].flatMap((same) => {
    const [grant] = same;
    if (!grant || same.some((one) => uses.some((use) => covers(one, use)))) return [];
    return [
      `granted but never used: ${describeRight(grant)} by ${grant.rule}, charts/auth-stack/${grant.file}; take the verb ` +
        `away, or let a test make the request that needs it`,
    ];
  });
}

/** Empty when the rights are exactly what is needed. */
export function deviations(grants: readonly Grant[], uses: readonly Use[]): readonly string[] {
  return [...ungranted(grants, uses), ...unused(grants, uses)];
}

export interface Runs {
  readonly seen: readonly Use[];
  /** Of another run; absent: it is not known. */
  readonly recorded: readonly Use[] | undefined;
}

/** Of two runs together. A right can be called unused only where both are known. */
export function merged(grants: readonly Grant[], { seen, recorded }: Runs): readonly string[] {
  return recorded ? deviations(grants, [...seen, ...recorded]) : ungranted(grants, seen);
}
