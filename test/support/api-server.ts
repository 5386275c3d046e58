import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../cluster/process.ts';
import { freePort } from './free-port.ts';
import { startServer } from './processes.ts';
import type { Server } from './processes.ts';
import { tool } from './tools.ts';

export interface ApiServerOptions {
  /** Install the generated CRDs of this repository. */
  readonly crds?: boolean;
  /** File that gets one line of JSON for each request (audit.k8s.io/v1, level Metadata). */
  readonly auditLog?: string;
  /** Instead of that one (audit.k8s.io/v1 Policy). */
  readonly auditPolicy?: object;
  /** Beside those that are on by default. */
  readonly admissionPlugins?: readonly string[];
}

/** A real kube-apiserver with its etcd on loopback; no kubelet and no controllers. */
export interface ApiServer extends AsyncDisposable {
  readonly url: string;
  /** Path of a kubeconfig that may do everything. */
  readonly kubeconfig: string;
  /** Standard output of kubectl; a failure throws with its output. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** Path of a kubeconfig that acts as that service account, bound by RBAC. */
  kubeconfigOf(namespace: string, serviceAccount: string): Promise<string>;
  /** Kills kube-apiserver; etcd and its data stay. */
  crash(): Promise<void>;
  /** Starts it again under the same address. */
  restart(): Promise<void>;
}

const crdFolder = join(import.meta.dirname, '../../crds');

export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const { crds = false } = options;
  const folder = await mkdtemp(join(tmpdir(), 'api-server-'));
  const etcd = await startEtcd(folder);
  const settings = await prepare(folder, { ...options, etcd: etcd.url });
  let server = await start(settings);

  const kubectl = async (args: readonly string[], stdin?: string): Promise<string> =>
    run(
      await tool('kubectl'),
      ['--kubeconfig', settings.kubeconfig, ...args],
      stdin === undefined ? {} : { input: stdin },
    );
  if (crds) {
    await kubectl(['apply', '--server-side', '-f', crdFolder]);
    await kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  }

  return {
    url: settings.url,
    kubeconfig: settings.kubeconfig,
    kubectl,
    async kubeconfigOf(namespace, serviceAccount) {
      const token = await kubectl(['-n', namespace, 'create', 'token', serviceAccount]);
      const path = join(folder, `${namespace}-${serviceAccount}.kubeconfig`);
      await writeFile(path, kubeconfig(settings, token.trim()));
      return path;
    },
    crash: () => server.kill('SIGKILL'),
    async restart() {
      server = await start(settings);
    },
    async [Symbol.asyncDispose]() {
      await server.kill('SIGKILL');
      await etcd.server.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Settings {
  readonly folder: string;
  readonly url: string;
  readonly kubeconfig: string;
  readonly args: readonly string[];
}

async function startEtcd(folder: string): Promise<{ readonly url: string; readonly server: Server }> {
  const [client, peer] = [await freePort(), await freePort()];
  const [url, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  const args = [
    ['--data-dir', join(folder, 'etcd')],
    ['--listen-client-urls', url],
    ['--advertise-client-urls', url],
    ['--listen-peer-urls', peerUrl],
    ['--initial-advertise-peer-urls', peerUrl],
    ['--initial-cluster', `default=${peerUrl}`],
    // What is lost when the machine goes is the test's own data.
    ['--unsafe-no-fsync'],
  ].flat();
  const answers = () => fetchOk(`${url}/health`);
  return { url, server: await startServer(await tool('etcd'), args, { log: join(folder, 'etcd.log'), answers }) };
}

async function prepare(
  folder: string,
  { etcd, auditLog, auditPolicy = metadataOfAll, admissionPlugins = [] }: ApiServerOptions & { readonly etcd: string },
): Promise<Settings> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const token = randomUUID();
  const file = (name: string): string => join(folder, name);
  await writeFile(file('accounts.key'), privateKey);
  await writeFile(file('accounts.pub'), publicKey);
  await writeFile(file('tokens.csv'), `${token},admin,admin,system:masters\n`);
  await writeFile(file('audit.yaml'), JSON.stringify(auditPolicy));
  const port = await freePort();
  const settings = {
    folder,
    url: `https://127.0.0.1:${port}`,
    kubeconfig: file('kubeconfig'),
    args: [
      ['--etcd-servers', etcd],
      ['--bind-address', '127.0.0.1'],
      ['--secure-port', String(port)],
      ['--cert-dir', file('certs')],
      ['--token-auth-file', file('tokens.csv')],
      ['--authorization-mode', 'RBAC'],
      // As kubeadm sets it: admission decides who may have a privileged container.
      ['--allow-privileged=true'],
      ['--service-cluster-ip-range', '10.0.0.0/16'],
      ['--service-account-issuer', 'https://kubernetes.default.svc'],
      ['--service-account-key-file', file('accounts.pub')],
      ['--service-account-signing-key-file', file('accounts.key')],
      ...(auditLog === undefined ? [] : [['--audit-log-path', auditLog, '--audit-policy-file', file('audit.yaml')]]),
      ...(admissionPlugins.length === 0 ? [] : [['--enable-admission-plugins', admissionPlugins.join(',')]]),
    ].flat(),
  };
  await writeFile(settings.kubeconfig, kubeconfig(settings, token));
  return settings;
}

async function start({ folder, kubeconfig: config, args }: Settings): Promise<Server> {
  const kubectl = await tool('kubectl');
  const answers = () => run(kubectl, ['--kubeconfig', config, 'get', '--raw', '/readyz']);
  const server = await startServer(await tool('kube-apiserver'), args, { log: join(folder, 'apiserver.log'), answers });
  // Ready comes before the default namespace and its admission data are there.
  await answersEventually(() => run(kubectl, ['--kubeconfig', config, 'get', 'namespace', 'default']));
  return server;
}

async function answersEventually(ask: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await ask();
      return;
    } catch (error) {
      if (tries === 100) throw error;
    }
  }
}

async function fetchOk(url: string): Promise<void> {
  const { ok, status } = await fetch(url);
  if (!ok) throw new Error(`${url} answers ${status}`);
}

/** kube-apiserver writes a certificate of its own into `certs`, with the authority that signed it. */
function kubeconfig({ folder, url }: Pick<Settings, 'folder' | 'url'>, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'test', cluster: { server: url, 'certificate-authority': join(folder, 'certs/apiserver.crt') } },
    ],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}

/** Requests in the order they came, for tests that count writes. */
export async function auditedRequests(path: string): Promise<readonly AuditedRequest[]> {
  return auditedIn(await readFile(path, 'utf8'));
}

/** The requests in the text of an audit log. */
export function auditedIn(log: string): readonly AuditedRequest[] {
  const lines = log.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as AuditedRequest);
}

/** The part of audit.k8s.io/v1 Event that tests look at. */
export interface AuditedRequest {
  readonly verb: string;
  readonly requestURI: string;
  /** RFC 3339. */
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username: string };
  readonly userAgent?: string;
  /** Absent where the path is none of a resource. */
  readonly objectRef?: {
    readonly resource: string;
    readonly apiGroup?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code: number };
}

const metadataOfAll = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{ level: 'Metadata' }],
};
