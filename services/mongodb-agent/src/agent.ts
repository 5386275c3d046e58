import { join } from 'node:path';
import { listen } from '@authstack/http-service/listener';
import type { Grace } from '@authstack/http-service/listener';
import { createOperatorServer, OPERATOR_CONNECTIONS } from '@authstack/http-service/operator-server';
import { createOpsServer, OPS_CONNECTIONS } from '@authstack/http-service/ops-server';
import { keepTlsFresh } from '@authstack/http-service/tls-files';
import type { Logger } from 'pino';
import type { Observation } from './api.ts';
import type { Clock } from './clock.ts';
import { Refusal } from './errors.ts';
import { fence } from './gate/fence.ts';
import { openGate } from './gate/gate.ts';
import { watchLeave } from './gate/leave.ts';
import { watchGate, release } from './gate/watch.ts';
import { gateState } from './gate/plan.ts';
import { wipe } from './gate/wipe.ts';
import { problemOf } from './http/problem.ts';
import { commandRoutes } from './http/routes.ts';
import { createMetrics } from './metrics.ts';
import { setCompatibility } from './mongod/compatibility.ts';
import { openMember, openMongod } from './mongod/connection.ts';
import { followPrimaries } from './mongod/follow.ts';
import { handOver, leave } from './mongod/hand-over.ts';
import { initiate } from './mongod/initiate.ts';
import { answerKeyfile } from './mongod/keyfile.ts';
import { isReady, observeMongod } from './mongod/observe.ts';
import { reconfig } from './mongod/reconfig.ts';
import { readOplog, readServer } from './mongod/statistics.ts';
import { stepUp } from './mongod/step-up.ts';
import { ensureUser } from './mongod/users.ts';
import { createMongodWatch } from './mongod/watch.ts';
import { openVolume } from './volume/volume.ts';

export interface AgentOptions {
  readonly podUid: string;
  readonly dataDir: string;
  readonly gateDir: string;
  readonly keyFile: string;
  readonly tlsDir: string;
  readonly mongodPort: number;
  readonly apiPort: number;
  readonly probePort: number;
  /** Where it listens, and mongod with it, when several members share one network; absent: everywhere, as in a pod. */
  readonly address?: string;
}

export interface Agent {
  readonly apiPort: number;
  readonly probePort: number;
  /** Stops serving, with `grace` after the commands that have begun; mongod keeps running. */
  close(grace?: Grace): Promise<void>;
}

export async function startAgent(options: AgentOptions, { clock, log }: { clock: Clock; log: Logger }): Promise<Agent> {
  const { podUid, dataDir, gateDir, tlsDir, address } = options;
  const ending = new AbortController();
  const gate = openGate(gateDir);
  const volume = openVolume(dataDir);
  // The gate's copy is what the running mongod has read, whatever happened to the Secret since.
  const keyFiles = [join(gateDir, 'keyfile'), options.keyFile];
  const mongod = openMongod({ port: options.mongodPort, keyFiles, ...(address !== undefined && { host: address }) });

  async function observe(): Promise<Observation> {
    const seen = await observeMongod(mongod);
    const disk = await volume.read();
    const { replicaSet } = seen;
    // A member that joined got its set's id from the others; the marker must record it too.
    if (replicaSet.state === 'initialized' && disk.pvcUid !== undefined && disk.replicaSetId === undefined) {
      await volume.noteReplicaSet(replicaSet.replicaSetId);
    }
    return { podUid, volume: disk, gate: gateState(await gate.read()), ...seen };
  }

  const metrics = createMetrics({
    observe,
    readServer: () => readServer(mongod),
    readOplog: () => readOplog(mongod),
  });
  const handing = { mongod, connect: (host: string) => openMember(host, keyFiles), clock, log };
  const watch = createMongodWatch({ mongod, clock, log });
  const routes = commandRoutes({
    observe,
    release: (request) => release({ gate, volume }, request),
    initiate: (request) => initiate({ mongod, volume, clock }, request),
    reconfig: (request) => reconfig({ mongod, clock }, request),
    ensureUser: (request) => ensureUser(mongod, request),
    stepDown: () => handOver(handing),
    stepUp: (request) => stepUp({ mongod, clock }, request),
    watch: watch.subscribe,
    fence: (request) => fence({ gate, volume, log }, request),
    wipe: (request) => wipe({ gate, volume, log }, request),
    setCompatibility: (request) => setCompatibility(mongod, request),
    readKeyfile: () => answerKeyfile(keyFiles),
  });
  const api = createOperatorServer({ routes, problemOf, clock, log, counted: metrics.countRequest });
  const pause = (delay: number, signal: AbortSignal): Promise<void> =>
    clock.sleep(delay, signal).catch(() => undefined);
  const tls = await keepTlsFresh({ directory: tlsDir, server: api, pause, log }, ending.signal);
  const probes = createOpsServer({
    missing: async () => {
      try {
        return (await isReady(mongod)) ? [] : ['mongod is neither primary nor secondary'];
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return [error.message];
      }
    },
    metrics: metrics.text,
    log,
  });

  const serving = {
    api: await listen(api, { port: options.apiPort, host: address, atMost: OPERATOR_CONNECTIONS }),
    probes: await listen(probes, { port: options.probePort, host: address, atMost: OPS_CONNECTIONS }),
  };
  const running = [
    watchGate({ gate, volume, clock, log }, ending.signal),
    watchLeave({ gate, leave: () => leave(handing), clock, log }, ending.signal),
    watch.run(ending.signal),
    followPrimaries({ mongod, clock, log }, ending.signal),
    tls.ended,
  ];
  const ports = { apiPort: serving.api.port, probePort: serving.probes.port };
  log.info(ports, 'serving');
  return {
    ...ports,
    close: async (grace) => {
      ending.abort();
      await Promise.all([serving.api.close(grace), serving.probes.close(grace), ...running]);
      await mongod.close();
    },
  };
}
