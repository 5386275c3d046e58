import { installChart } from './chart.ts';
import { makeDemo } from './demo.ts';
import { ensureEngine } from './engine.ts';
import { buildProducts, ensureThirdParty } from './images.ts';
import { address, context, ensureCluster } from './kind.ts';
import { loadImages } from './node-images.ts';
import { which } from './process.ts';
import { tool } from './provide.ts';
import { main, step } from './step.ts';

const again = 'when that is mended, run make up again: it goes on where it stopped';

/** From a bare machine to the demo, each part only as far as it is not there yet. */
await main(async () => {
  await step({ name: 'container engine', ifItFails: `it must answer \`docker info\`; ${again}` }, ensureEngine);
  await step({ name: 'kind, kubectl, helm', ifItFails: `npm, Go and Debian must be reachable; ${again}` }, async () => {
    for (const name of ['kind', 'kubectl', 'helm'] as const) await tool(name);
  });
  await step(
    { name: 'cluster of four nodes', ifItFails: `make down removes what there is of it; ${again}` },
    ensureCluster,
  );
  const products = await step(
    { name: 'images of operator, agent, auth and orders', ifItFails: `npm ci may be needed, or disk space; ${again}` },
    buildProducts,
  );
  const thirdParty = await step({ name: 'images of mongod and nginx', ifItFails: again }, ensureThirdParty);
  const tags = [...Object.values(products), thirdParty.mongod.image, thirdParty.nginx];
  await step({ name: 'images into the nodes', ifItFails: `is there disk space? ${again}` }, () => loadImages(tags));
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
      ifItFails: `kubectl --context ${context} get events -A shows what happens; ${again}`,
    },
    () =>
      makeDemo(images, (news) => {
        process.stderr.write(`\n  ${news}`);
      }),
  );

  // Where it was built because the machine has none, its whole path is what works when pasted.
  const program = await tool('kubectl');
  const kubectl = `${program === (await which('kubectl')) ? 'kubectl' : program} --context ${context}`;
  process.stdout.write(`
Sign in at ${address}    (kubectl context: ${context})

Three things to try:
  ${kubectl} -n auth delete pod demo-mongodb-0 --force     then sign in again
  ${kubectl} -n auth delete pod -l app.kubernetes.io/component=auth     orders keeps working
  ${kubectl} -n auth get authstack demo -o yaml     what it tells of itself
`);
});
