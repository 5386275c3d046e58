import { dockerAnswers } from './docker.ts';
import { stopEngine } from './engine.ts';
import { clusterExists, deleteCluster } from './kind.ts';
import { main, step } from './step.ts';

/** Undoes `make up`; the cache stays, so that the next one is quick. */
await main(async () => {
  if ((await dockerAnswers()) && (await clusterExists())) await step('cluster away', deleteCluster);
  await step('container engine, if it was started here', stopEngine);
});
