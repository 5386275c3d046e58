import tseslint from 'typescript-eslint';
import { structure } from './test/structure/eslint-plugin.ts';

const mayImport = (...patterns) => ['error', { patterns }];
const mongooseElsewhere = { group: ['mongoose'], message: 'mongoose belongs in *.mongo.ts and mongo/.' };
const expressElsewhere = {
  group: ['express'],
  allowTypeImports: true,
  message: 'express belongs in routes.ts and http/.',
};
const routerElsewhere = {
  group: ['express'],
  importNames: ['Router'],
  allowTypeImports: true,
  message: 'A router of a service is an exactRouter: packages/http-service/src/exact-router.ts.',
};
const clientElsewhere = {
  group: ['@kubernetes/client-node', '@kubernetes/client-node/*'],
  message: '@kubernetes/client-node belongs in operator/src/runtime/client.ts.',
};
const everywhere = [mongooseElsewhere, expressElsewhere, clientElsewhere];

const ambient = [
  {
    selector: "MemberExpression[object.name='Date'][property.name='now']",
    message: 'Time is an argument; the clock lives in clock.ts.',
  },
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Time is an argument; the clock lives in clock.ts.',
  },
  {
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    message: 'Randomness is an argument; see clock.ts.',
  },
  {
    selector: 'CallExpression[callee.name=/^set(Timeout|Interval)$/]',
    message: 'Timers belong in clock.ts; pass a Clock.',
  },
  { selector: "MemberExpression[object.name='process']", message: 'The process belongs to main.ts.' },
];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/artifacts/**', '**/*.config.js', '**/*.config.ts', '**/*.mjs'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { structure },
    rules: {
      // Layers and pure files: test/structure/layers.ts.
      'structure/layers': 'error',
      'structure/pure': 'error',
      'max-params': ['error', 3],
      'max-depth': ['error', 3],
      complexity: ['error', 10],
      eqeqeq: 'error',
      curly: ['error', 'multi-line'],
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...ambient],
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-restricted-imports': mayImport(...everywhere),
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/require-array-sort-compare': 'error',
      // isolatedDeclarations wants written types on exported class fields and parameters.
      '@typescript-eslint/no-inferrable-types': 'off',
      '@typescript-eslint/consistent-generic-constructors': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  { files: ['operator/src/runtime/client.ts'], rules: { '@typescript-eslint/no-restricted-imports': 'off' } },
  {
    files: ['**/*.mongo.ts', '**/mongo/**', 'services/auth/**/*.test.ts', 'services/auth/src/main.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': mayImport(expressElsewhere, clientElsewhere),
      // mongoose types the options of a schema as classes and takes plain objects.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
    },
  },
  {
    files: [
      '**/routes.ts',
      '**/http/**',
      'packages/http-service/**',
      '**/express.ts',
      'packages/verify/**/*.test.ts',
      'packages/verify/src/testing/shop.ts',
      'services/*/src/app.ts',
      'services/*/src/listeners/public.ts',
    ],
    rules: {
      '@typescript-eslint/no-restricted-imports': mayImport(mongooseElsewhere, routerElsewhere, clientElsewhere),
    },
  },
  {
    files: ['packages/http-service/src/exact-router.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': mayImport(mongooseElsewhere, clientElsewhere) },
  },
  // A transaction holds what models do and nothing that goes around them: the driver below them knows of no transaction.
  {
    files: ['services/auth/src/**'],
    ignores: ['services/auth/src/mongo/database.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...ambient,
        {
          selector: [
            "MemberExpression[object.name!='usersMarker'][property.name=/^(collection|getCollection|db|client|getClient)$/]",
            'ObjectPattern > Property[key.name=/^(collection|getCollection|getClient)$/]',
          ].join(', '),
          message: "Write through the model: the driver's collection takes no part in a transaction.",
        },
      ],
    },
  },
  {
    files: [
      '**/main.ts',
      '**/clock.ts',
      'cluster/**',
      'test/**',
      'bench/**',
      'web/**',
      '**/*.test.ts',
      '**/testing/**',
    ],
    rules: { 'no-restricted-syntax': 'off' },
  },
  { files: ['cluster/**', 'test/**', 'bench/**', 'operator/src/api/generate.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['**/*.test.ts', '**/*.test.tsx', 'test/**'],
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      // `eventually(async () => expect(…).toBe(…))` reads as the sentence it is.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      complexity: 'off',
    },
  },
);
