import type { ESLint, Rule } from 'eslint';
import { importedPath, isPure, objectionTo, pathOf } from './layers.ts';

const effects =
  /^(node:(fs|crypto|http|https|net|tls|dns|child_process|timers|worker_threads)|pino|undici|mongodb|mongoose|express|@kubernetes)(\/|$)/;
/** A hash is a function of its input. */
const pureImports: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': ['createHash', 'createHmac', 'createSecretKey'],
};

/** Every import leads to a lower layer. */
const layers: Rule.RuleModule = {
  create: (context) => {
    const file = pathOf(context.filename);
    return {
      'ImportDeclaration, ExportNamedDeclaration[source], ExportAllDeclaration, ImportExpression': (
        node: Rule.Node,
      ) => {
        const { source } = node as Rule.Node & { readonly source: { readonly value?: unknown } };
        const path = typeof source.value === 'string' ? importedPath(file, source.value) : undefined;
        const message = path === undefined ? undefined : objectionTo(file, path);
        if (message !== undefined) context.report({ node, message });
      },
    };
  },
};

/** A pure file decides from what it is given. */
const pure: Rule.RuleModule = {
  create: (context) => {
    if (!isPure(pathOf(context.filename))) return {};
    const report = (message: string) => (node: Rule.Node) => {
      context.report({ node, message });
    };
    return {
      ImportDeclaration: (node) => {
        const source = String(node.source.value);
        const allowed = pureImports[source] ?? [];
        const names = node.specifiers.map((one) =>
          one.type === 'ImportSpecifier' && one.imported.type === 'Identifier' ? one.imported.name : '*',
        );
        if (!effects.test(source) || (names.length > 0 && names.every((name) => allowed.includes(name)))) return;
        context.report({ node, message: 'This file is pure: put the read into observe.ts, the write into apply.ts.' });
      },
      ':function[async=true]': report('This file is pure and synchronous: put the wait into observe.ts or apply.ts.'),
      ImportExpression: report('This file is pure: import statically.'),
      AwaitExpression: report('This file is pure and synchronous: put the wait into observe.ts or apply.ts.'),
      "CallExpression[callee.name='fetch']": report('This file is pure: put the request into observe.ts or apply.ts.'),
      "MemberExpression[object.name='crypto']": report('Randomness is an argument.'),
      "MemberExpression[object.name='performance']": report('Time is an argument.'),
    };
  },
};

export const structure: ESLint.Plugin = { rules: { layers, pure } };
