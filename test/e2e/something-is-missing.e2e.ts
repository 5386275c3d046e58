import { apply, eventually, expect, get, kubectl, scenario } from './world.ts';

scenario(
  'a StorageClass that does not exist is named, and its arrival heals the stack',
  { minutes: 4, suite: 'core' },
  async (world) => {
    const className = `late-${Math.random().toString(36).slice(2, 8)}`;
    const stack = await world.createStack({
      members: 1,
      replicas: 1,
      spec: { mongodb: { members: 1, storage: { size: '1Gi', className } } },
    });

    const missing = await stack.becomes('DatabaseReady=False/StorageClassNotFound', { within: 30 });
    expect(missing.message).toContain(className);
    expect(missing.message).toContain('spec.mongodb.storage.className');

    try {
      await apply({
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: { name: className },
        provisioner: 'rancher.io/local-path',
        volumeBindingMode: 'WaitForFirstConsumer',
        reclaimPolicy: 'Delete',
      });
      await stack.becomes('Ready', { within: 120 });
    } finally {
      await kubectl(['delete', 'storageclass', className, '--ignore-not-found']);
    }
  },
);

scenario(
  "the first admin's Secret that does not exist is named, and its arrival heals the stack",
  { minutes: 4, suite: 'core' },
  async (world) => {
    const stack = await world.createStack({
      members: 1,
      replicas: 1,
      spec: { auth: { initialAdmin: { secretRef: { name: 'first-admin' } } } },
    });
    const admin = { email: 'admin@example.com', password: 'correct horse battery' };

    const missing = await stack.becomes('AuthReady=False/InitialAdminSecretNotFound', { within: 120 });
    expect(missing.message).toContain('first-admin');

    await apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'first-admin', namespace: stack.namespace },
      stringData: admin,
    });
    await stack.becomes('Ready', { within: 120 });
    // Pods from before serve until one that knows the Secret has taken their place.
    await eventually(
      async () => {
        const { status, body } = await stack.visitor().signIn(admin);
        expect(status).toBe(200);
        expect(JSON.stringify(body)).toContain('admin');
      },
      { within: 30 },
    );
  },
);

scenario(
  'an image that cannot be pulled is named with its pod, and a right one heals the stack',
  { minutes: 5, suite: 'core' },
  async (world) => {
    const image = 'registry.invalid/authstack/auth:none';
    const stack = await world.createStack({ members: 1, replicas: 1, spec: { auth: { image } } });

    const missing = await stack.becomes('AuthReady=False/ImageNotPullable', { within: 120 });
    expect(missing.message).toContain(image);
    expect(missing.message).toContain('spec.auth.image');

    const patch = [{ op: 'remove', path: '/spec/auth/image' }];
    await kubectl([
      '-n',
      stack.namespace,
      'patch',
      'authstack',
      stack.name,
      '--type=json',
      '-p',
      JSON.stringify(patch),
    ]);
    await stack.becomes('Ready', { within: 120 });
  },
);

scenario(
  'an image with another mongod than the version named touches no data, and a right one heals the stack',
  { minutes: 5, suite: 'core' },
  async (world) => {
    const { spec } = await get('auth', 'statefulset', 'demo-mongodb');
    const { containers } = (spec as { template: { spec: { containers: { name: string; image: string }[] } } }).template
      .spec;
    const image = containers.find(({ name }) => name === 'mongod')?.image;
    const stack = await world.createStack({ members: 1, replicas: 1, spec: { mongodb: { image, version: '5.0' } } });

    const unfit = await stack.becomes('DatabaseReady=False/ImageUnfit', { within: 120 });
    expect(unfit.message).toMatch(
      /answers "db version v6.*", not version 5\.0\. .* data was not touched.*spec\.mongodb\.image/,
    );

    await stack.patch({ mongodb: { version: '6.0' } });
    await stack.becomes('Ready', { within: 180 });
  },
);
