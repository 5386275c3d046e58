import { apply, eventually, expect, scenario, signUpPeople, whoCannotSignIn } from './world.ts';

scenario('a stack with an external database signs people up and in', { minutes: 6, suite: 'full' }, async (world) => {
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
  await store(uri.replace(credentials.password, 'another-password'));
  const refused = await stack.becomes('DatabaseReady=False/ExternalUnreachable', { within: 120 });
  expect(refused.message).toMatch(/Authentication failed.*uri in the Secret/);
  expect(refused.message).not.toContain('another-password');
  await store(uri);

  // A kubelet brings a Secret's new content within a minute and a half.
  await stack.becomes('DatabaseReady=True/External', { within: 120 });
  await stack.becomes('Ready', { within: 120 });
  expect(await stack.pods('mongodb')).toEqual([]);
  const visit = () => stack.visitor();
  const people = await signUpPeople(3, visit);
  await host.killPods([await host.primary()]);
  await eventually(async () => expect(await whoCannotSignIn(people, visit)).toEqual([]), { within: 60 });
});
