import { installChart } from './chart.ts';
import { makeDemo } from './demo.ts';
import { ensureEngine } from './engine.ts';
import { buildProducts, ensureThirdParty } from './images.ts';
import { address, context, ensureCluster } from './kind.ts';
import { loadImages } from './node-images.ts';
import { which } from './process.ts';
import { tool } from './provide.ts';
import { main, step } from './step.ts';

const again = 'then run make up again: it continues where it stopped';

/** From a bare machine to the demo; what is there already is not made again. */
await main(async () => {
  await step({ name: 'container engine', ifItFails: `make \`docker info\` answer, ${again}` }, ensureEngine);
  await step(
    {
      name: 'kind, kubectl, helm',
      ifItFails: `check that the registries of npm, Go and Debian can be reached, ${again}`,
    },
    async () => {
      for (const name of ['kind', 'kubectl', 'helm'] as const) await tool(name);
    },
  );
  await step({ name: 'cluster of four nodes', ifItFails: `run make down, ${again}` }, ensureCluster);
  const products = await step(
    { name: 'images of operator, agent, auth and orders', ifItFails: `run npm ci, check the disk space, ${again}` },
    buildProducts,
  );
  const thirdParty = await step(
    { name: 'images of mongod and nginx', ifItFails: `check the disk space, ${again}` },
    ensureThirdParty,
  );
  const tags = [...Object.values(products), thirdParty.mongod.image, thirdParty.nginx];
  await step({ name: 'images into the nodes', ifItFails: `check the disk space, ${again}` }, () => loadImages(tags));
  const images = { products, thirdParty };
  const namespace = `kubectl --context ${context} -n authstack-system`;
  await step(
    {
      name: 'operator, by its Helm chart',
      ifItFails: `${namespace} describe pods; ${namespace} logs -l app.kubernetes.io/name=auth-stack`,
    },
    () => installChart(images),
  );
  await step(
    {
      name: 'AuthStack demo, then orders and a gateway',
      ifItFails: `kubectl --context ${context} get events -A shows what happened; ${again}`,
    },
    () =>
      makeDemo(images, (progress) => {
        process.stderr.write(`\n  ${progress}`);
      }),
  );

  // Where it was built because the machine has none, its whole path is what works when pasted.
  const program = await tool('kubectl');
  const kubectl = `${program === (await which('kubectl')) ? 'kubectl' : program} --context ${context}`;
  process.stdout.write(`
Ticket shop    ${address}/shop/    (kubectl context: ${context})
Sign-in page   ${address}/

Three things to try:
  ${kubectl} -n auth delete pod demo-mongodb-0 --force     then sign in again
  ${kubectl} -n auth delete pod -l app.kubernetes.io/component=auth     the shop keeps selling
  ${kubectl} -n auth describe authstack demo     its conditions and events
`);
});
