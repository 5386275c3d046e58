import { join } from 'node:path';
import { build } from 'esbuild';
import { imageOfDemo } from './demo-images.ts';
import { gatewayAddress, gatewayEntry, hostOf, originOf } from './gateway.ts';
import { apply, kubectl } from './kubectl.ts';
import { showToken } from './show-token.ts';
import type { Shown, TakesTokens } from './show-token.ts';
import { AUDIENCE } from './stack.ts';
import type { Stack } from './stack.ts';

const NAME = 'key-set-reader';
const PORT = 8080;

/** A service that is none of ours: it has no AuthConsumer, and verifies by the key set that the stack publishes. */
export class KeySetReader implements TakesTokens {
  readonly name = NAME;
  readonly namespace: string;
  private readonly stack: Stack;

  constructor(namespace: string, stack: Stack) {
    this.namespace = namespace;
    this.stack = stack;
  }

  async open(): Promise<void> {
    const image = await imageOfDemo('orders');
    const [program, gateway] = await Promise.all([bundled(), gatewayAddress()]);
    await apply(...readerManifests({ namespace: this.namespace, stack: this.stack, image, program, gateway }));
  }

  async becomesReady({ within }: { readonly within: number }): Promise<void> {
    await kubectl(['-n', this.namespace, 'rollout', 'status', `deployment/${NAME}`, `--timeout=${within}s`]);
  }

  show(token: string): Promise<Shown> {
    return showToken(token, { url: gatewayEntry, host: hostOf({ service: NAME, namespace: this.namespace }) });
  }
}

/** The whole program, small enough for a ConfigMap. */
export async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'key-set-reader/main.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

export interface Deployed {
  readonly namespace: string;
  readonly stack: Pick<Stack, 'namespace' | 'name'>;
  /** It has Node, and nothing else of it is used. */
  readonly image: string;
  readonly program: string;
  /** Where the gateway is found in the cluster. */
  readonly gateway: string;
}

export function readerManifests({ namespace, stack, image, program, gateway }: Deployed): readonly object[] {
  const labels = { app: NAME };
  const metadata = { name: NAME, namespace };
  const issuer = originOf(stack);
  const container = {
    name: NAME,
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['node', '/program/main.mjs', issuer, AUDIENCE, `${PORT}`],
    ports: [{ containerPort: PORT }],
    readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 1 },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'program', mountPath: '/program' }],
  };
  const spec = {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // The public address of the stack leads to the gateway here as it does outside.
    hostAliases: [{ ip: gateway, hostnames: [new URL(issuer).hostname] }],
    securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [container],
    volumes: [{ name: 'program', configMap: { name: NAME } }],
  };
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'main.mjs': program } },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports: [{ port: PORT }] } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    },
  ];
}
