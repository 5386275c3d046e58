import { apply, eventually, expect, find, kubectl, scenario, signUpPeople, whoCannotSignIn } from './world.ts';

scenario('a stack with an external database signs people up and in', { minutes: 10, suite: 'full' }, async (world) => {
  const host = await world.createStack({ members: 3, replicas: 1 });
  await host.becomes('DatabaseReady=True/AllMembersHealthy', { within: 120 });
  const credentials = { user: 'theirs', password: 'a-password-of-theirs' };
  const primary = await host.primaryOrdinal();
  await host.askMember(primary, (client) =>
    client.db('admin').command({
      createUser: credentials.user,
      pwd: credentials.password,
      roles: [{ role: 'readWrite', db: 'theirs' }],
      writeConcern: { w: 'majority' },
    }),
  );
  const hosts = [0, 1, 2]
    .map((ordinal) => `${host.member(ordinal)}.main-mongodb.${host.namespace}.svc:27017`)
    .join(',');
  const uri = `mongodb://${credentials.user}:${credentials.password}@${hosts}/theirs?replicaSet=rs0&authSource=admin`;

  const stack = await world.createStack({
    replicas: 1,
    spec: { mongodb: { external: { uriSecretRef: { name: 'their-database' } } } },
  });
  const missing = await stack.becomes('AuthReady=False/DatabaseUriNotFound', { within: 60 });
  expect(missing.message).toContain('kubectl -n');
  const metadata = { name: 'their-database', namespace: stack.namespace };
  const store = (content: string): Promise<void> =>
    apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { uri: content } });
  const wrong = uri.replace(credentials.password, 'another-password');
  await store(wrong);
  // Whether it has users decides whether a pepper may be made, and pods that could ask it need that pepper.
  const unread = await stack.becomes('AuthReady=Unknown/DatabaseNotRead', { within: 60 });
  expect(unread.message).toContain('Authentication failed');
  expect(unread.message).not.toContain('another-password');
  await store(uri);
  await stack.becomes('DatabaseReady=True/External', { within: 120 });
  await stack.becomes('Ready', { within: 120 });
  expect(await stack.pods('mongodb')).toEqual([]);
  const visit = () => stack.visitor();
  const people = await signUpPeople(3, visit);
  await host.killPods([await host.primary()]);
  await eventually(async () => expect(await whoCannotSignIn(people, visit)).toEqual([]), { within: 60 });

  // A kubelet brings a Secret's new content within a minute and a half.
  await store(wrong);
  const refused = await stack.becomes('DatabaseReady=True/Degraded', { within: 150 });
  expect(refused.message).toMatch(/Authentication failed.*the one before stays in use.*uri in the Secret/);
  expect(refused.message).not.toContain('another-password');
  expect(await whoCannotSignIn(people, visit)).toEqual([]);
  await store(uri);
  await stack.becomes('DatabaseReady=True/External', { within: 150 });

  // Nothing in the cluster remembers the stack's earlier life; the database does.
  await stack.delete();
  await eventually(async () => expect(await stack.pods('auth')).toEqual([]), { within: 90 });
  const secrets = `${stack.name}-auth-secrets`;
  await kubectl(['-n', stack.namespace, 'delete', 'secret', secrets]);
  await stack.create();
  const lost = await stack.becomes('AuthReady=False/SecretLost', { within: 60 });
  expect(lost.message).toContain('database theirs has had users since');
  expect(await find(stack.namespace, 'secret', secrets)).toBeUndefined();
});
