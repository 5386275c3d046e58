import { authContract } from '@authstack/auth-service/api';
import { IN_SERVICE, SERVING_LABEL, selectorOf } from '../../operator/src/api/names.ts';
import { apply, kubectl } from './kubectl.ts';

const NAMESPACE = 'e2e';
const NODE_PORT = 30_081;

/** Where the gateway of the scenarios listens on this machine; see the port mappings in cluster/. */
export const gatewayPort = Number(process.env['PORT'] ?? 8080) + 1;
export const gatewayEntry = `http://127.0.0.1:${gatewayPort}`;

export function originOf(stack: { readonly namespace: string; readonly name: string }): string {
  return `http://${stack.name}.${stack.namespace}.localhost:${gatewayPort}`;
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
  server { listen 8080 default_server; return 200 "gateway of the scenarios\\n"; }
}
`;

/** Puts an nginx in front of every stack that scenarios make, from the image that the demo's gateway uses. */
export async function installGateway(): Promise<void> {
  const demo = ['-n', 'shop', 'get', 'deployment', 'gateway', '-o'];
  const image = await kubectl([...demo, 'jsonpath={.spec.template.spec.containers[0].image}']);
  const dns = ['-n', 'kube-system', 'get', 'service', 'kube-dns', '-o'];
  const resolver = await kubectl([...dns, 'jsonpath={.spec.clusterIP}']);
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  await apply(
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'gateway', namespace: NAMESPACE },
      data: { 'nginx.conf': nginxConf.replace('RESOLVER', resolver) },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'gateway', namespace: NAMESPACE },
      spec: { type: 'NodePort', selector: { app: 'gateway' }, ports: [{ port: 8080, nodePort: NODE_PORT }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'gateway', namespace: NAMESPACE },
      spec: {
        selector: { matchLabels: { app: 'gateway' } },
        template: {
          metadata: { labels: { app: 'gateway' } },
          spec: {
            // Scenarios kill worker nodes; what they do to an ingress is not the question.
            nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
            tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }],
            containers: [
              {
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
              },
            ],
            volumes: [
              { name: 'conf', configMap: { name: 'gateway' } },
              { name: 'tmp', emptyDir: {} },
            ],
          },
        },
      },
    },
  );
  await kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/gateway', '--timeout=120s']);
}
