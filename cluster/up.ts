import { installChart } from './chart.ts';
import { applyDemo, waitForDemo } from './demo.ts';
import { ensureEngine } from './engine.ts';
import { buildProducts, ensureThirdParty } from './images.ts';
import { address, context, ensureCluster, loadImages } from './kind.ts';
import { tool } from './provide.ts';
import { main, step } from './step.ts';

/** From a bare machine to the demo, each part only as far as it is not there yet. */
await main(async () => {
  await step('container engine', ensureEngine);
  await step('tools: kind, kubectl, helm', async () => {
    for (const name of ['kind', 'kubectl', 'helm'] as const) await tool(name);
  });
  await step('cluster of four nodes', ensureCluster);
  const products = await step('images of operator, agent, auth and orders', buildProducts);
  const thirdParty = await step('images of mongod and nginx', ensureThirdParty);
  const tags = [...Object.values(products), thirdParty.mongod.image, thirdParty.nginx];
  await step('images into the nodes', () => loadImages(tags));
  const images = { products, thirdParty };
  await step('operator, by its Helm chart', () => installChart(images));
  await step('AuthStack demo, orders, gateway', () => applyDemo(images));
  await step('until the demo is ready', () =>
    waitForDemo((news) => {
      process.stderr.write(`\n  ${news}`);
    }),
  );

  process.stdout.write(`
Sign in at ${address}    (kubectl context: ${context})

Three things to try:
  kubectl --context ${context} -n auth delete pod demo-mongodb-0 --force     then sign in again
  kubectl --context ${context} -n auth delete pod -l app.kubernetes.io/component=auth     orders keeps working
  kubectl --context ${context} -n auth get authstack demo -o yaml     what it tells of itself
`);
});
