import { dockerAnswers } from './docker.ts';
import { stopEngine } from './engine.ts';
import { clusterExists, deleteCluster } from './kind.ts';
import { main, step } from './step.ts';

/** Undoes `make up`; the cache stays, so that the next one is quick. */
await main(async () => {
  if ((await dockerAnswers()) && (await clusterExists())) {
    await step(
      { name: 'cluster away', ifItFails: 'docker ps -a shows what is left; docker rm -f removes it' },
      deleteCluster,
    );
  }
  const outcome = await stopEngine();
  process.stderr.write(`container engine: ${outcome}\n`);
});
