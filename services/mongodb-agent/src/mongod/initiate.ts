import type { InitiateReply, InitiateRequest } from '../api.ts';
import type { Clock } from '../clock.ts';
import { Refusal, messageOf } from '../errors.ts';
import { replicaSetName } from '../gate-script.ts';
import { volumeMismatch } from '../volume/mismatch.ts';
import type { VolumeDisk } from '../volume/volume.ts';
import { readConfig } from './config.ts';
import type { SetConfig } from './config.ts';
import type { Mongod } from './connection.ts';
import { code, hasCode } from './failures.ts';

export interface InitiateDeps {
  readonly mongod: Mongod;
  readonly volume: VolumeDisk;
  readonly clock: Clock;
}

/**
 * A member whose source fell silent cannot tell the new primary how far it is until that request ends, which takes half a
 * minute: until then the primary learns it from its heartbeats alone, and writes wait for them (2 s by default).
 */
const HEARTBEAT_INTERVAL = 500;

/**
 * Initiates the replica set on this member, or answers the id of the one it already belongs to. mongod chooses the id,
 * so a caller that lost the answer repeats the request and gets the same one.
 */
export async function initiate(deps: InitiateDeps, request: InitiateRequest): Promise<InitiateReply> {
  const { mongod, volume } = deps;
  const { pvcUid: marked, replicaSetId: former } = await volume.read();
  if (marked !== request.pvcUid) throw volumeMismatch(marked, request.pvcUid);

  const config = await awaitConfig(deps, ['initialized', 'notInitialized']);
  if (config.state === 'notInitialized') {
    if (former !== undefined) throw volumeOfASet(former);
    await initiateOn(mongod, request);
  }
  const replicaSetId = await readReplicaSetId(deps);
  await volume.noteReplicaSet(replicaSetId);
  return { replicaSetId };
}

async function initiateOn(mongod: Mongod, { host, settings }: InitiateRequest): Promise<void> {
  const withHeartbeats = { heartbeatIntervalMillis: HEARTBEAT_INTERVAL, ...settings };
  const config = { _id: replicaSetName, members: [{ _id: 0, host }], settings: withHeartbeats };
  try {
    await mongod.command({ replSetInitiate: config }, { timeoutMillis: 20_000 });
  } catch (error) {
    if (hasCode(error, code.invalidReplicaSetConfig, code.nodeNotFound)) throw hostUnknown(host, error);
    // Another request was faster; both get the same answer.
    if (!hasCode(error, code.alreadyInitialized)) throw error;
  }
}

async function readReplicaSetId(deps: InitiateDeps): Promise<string> {
  const config = await awaitConfig(deps, ['initialized']);
  if (config.state !== 'initialized') throw stillLoading();
  return config.reply.config.settings.replicaSetId.toHexString();
}

/** mongod answers AlreadyInitialized, and has its configuration on the disk, a moment before it reports it. */
async function awaitConfig({ mongod, clock }: InitiateDeps, wanted: readonly SetConfig['state'][]): Promise<SetConfig> {
  const deadline = clock.now() + 5_000;
  for (;;) {
    const config = await readConfig(mongod);
    if (wanted.includes(config.state)) return config;
    if (clock.now() >= deadline) throw stillLoading();
    await clock.sleep(50);
  }
}

function stillLoading(): Refusal {
  return new Refusal('MONGOD_UNAVAILABLE', 'mongod is still loading its configuration; retry');
}

function volumeOfASet(former: string): Refusal {
  return new Refusal(
    'VOLUME_OF_A_SET',
    `the volume belonged to replica set ${former} and its data is gone; no new set is initiated on it. If that set never held data, delete the volume's claim and pod`,
  );
}

function hostUnknown(host: string, cause: unknown): Refusal {
  return new Refusal(
    'CONFIG_REFUSED',
    `mongod does not reach itself at ${host}; check that the headless Service resolves it: ${messageOf(cause)}`,
    { cause },
  );
}
