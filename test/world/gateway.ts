import { createHash } from 'node:crypto';
import { authContract } from '@authstack/auth-service/api';
import { IN_SERVICE, SERVING_LABEL, selectorOf } from '../../operator/src/api/names.ts';
import { imageOfDemo } from './demo-images.ts';
import { apply, kubectl } from './kubectl.ts';

const NAMESPACE = 'e2e';
const NODE_PORT = 30_081;

/** Where the gateway of the scenarios listens on this machine; see the port mappings in cluster/. */
export const gatewayPort = Number(process.env['PORT'] ?? 8080) + 1;
export const gatewayEntry = `http://127.0.0.1:${gatewayPort}`;

export function originOf(stack: { readonly namespace: string; readonly name: string }): string {
  return `http://${stack.name}.${stack.namespace}.localhost:${gatewayPort}`;
}

/** The host name by which the gateway leads to one Service, whatever the path. */
export function hostOf({ service, namespace }: { readonly service: string; readonly namespace: string }): string {
  return `${service}.${namespace}.svc.localhost`;
}

/** Where the gateway is found in the cluster, at the port that it has on this machine. */
export async function gatewayAddress(): Promise<string> {
  return kubectl(['-n', NAMESPACE, 'get', 'service', 'gateway', '-o', 'jsonpath={.spec.clusterIP}']);
}

/** The addresses of a stack's auth pods: the gateway goes to them and to the next one, as that of examples/gateway.yaml does. */
export function authPodsService({ namespace, name }: { readonly namespace: string; readonly name: string }): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `${name}${POD_ADDRESSES}`, namespace },
    spec: {
      clusterIP: 'None',
      selector: { ...selectorOf({ metadata: { name } }, 'auth'), [SERVING_LABEL]: IN_SERVICE },
      ports: [{ name: 'http', port: authContract.publicPort }],
    },
  };
}

/** After the name of the stack. */
const POD_ADDRESSES = '-auth-pods';

// One address for every stack of every scenario: the host name selects it. Names are looked up again and again, because
// scenarios delete and re-create what they stand for.
const nginxConf = `
pid /tmp/nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  resolver RESOLVER valid=1s ipv6=off;
  proxy_buffer_size 8k;
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_http_version 1.1;
  proxy_connect_timeout 1s;
  proxy_next_upstream error timeout;
  proxy_next_upstream_tries 3;
  server {
    listen 8080;
    server_name "~^(?<stack>[a-z0-9-]+)\\.(?<ns>[a-z0-9-]+)\\.localhost$";
    location /api/orders { proxy_pass http://orders.$ns-shop.svc.cluster.local:8080; }
    location /shop { proxy_pass http://orders.$ns-shop.svc.cluster.local:8080; }
    location / { proxy_read_timeout 8s; proxy_pass http://$stack${POD_ADDRESSES}.$ns.svc.cluster.local:${authContract.publicPort}; }
  }
  server {
    listen 8080;
    server_name "~^(?<service>[a-z0-9-]+)\\.(?<ns>[a-z0-9-]+)\\.svc\\.localhost$";
    location / { proxy_pass http://$service.$ns.svc.cluster.local:8080; }
  }
  server { listen 8080 default_server; return 200 "gateway of the scenarios\\n"; }
}
`;

/** Puts an nginx in front of every stack that scenarios make, from the image that the demo's gateway uses. */
export async function installGateway(): Promise<void> {
  const dns = ['-n', 'kube-system', 'get', 'service', 'kube-dns', '-o'];
  const resolver = await kubectl([...dns, 'jsonpath={.spec.clusterIP}']);
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  await apply(...gatewayManifests({ image: await imageOfDemo('gateway'), resolver }));
  await kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/gateway', '--timeout=120s']);
}

/** @param resolver the address of the cluster's DNS. */
export function gatewayManifests({
  image,
  resolver,
}: {
  readonly image: string;
  readonly resolver: string;
}): readonly object[] {
  const conf = nginxConf.replace('RESOLVER', resolver);
  const metadata = { name: 'gateway', namespace: NAMESPACE };
  const container = {
    name: 'nginx',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['nginx', '-c', '/etc/gateway/nginx.conf', '-g', 'daemon off;'],
    ports: [{ containerPort: 8080 }],
    readinessProbe: { tcpSocket: { port: 8080 } },
    volumeMounts: [
      { name: 'conf', mountPath: '/etc/gateway' },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
  const spec = {
    // Scenarios kill worker nodes; what they do to an ingress is not the question.
    nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
    tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }],
    containers: [container],
    volumes: [
      { name: 'conf', configMap: { name: 'gateway' } },
      { name: 'tmp', emptyDir: {} },
    ],
  };
  const labels = { app: 'gateway' };
  // nginx reads it once, so another one is another pod.
  const annotations = { 'e2e/conf': createHash('sha256').update(conf).digest('hex') };
  // The same port as on this machine, so that a public address is right in the cluster as well.
  const ports = [{ port: gatewayPort, targetPort: 8080, nodePort: NODE_PORT }];
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'nginx.conf': conf } },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { type: 'NodePort', selector: labels, ports } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels, annotations }, spec } },
    },
  ];
}
