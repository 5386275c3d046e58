import type { InitiateReply, InitiateRequest } from '../api.ts';
import { Refusal, messageOf } from '../errors.ts';
import { replicaSetName } from '../gate-script.ts';
import { volumeMismatch } from '../volume/volume.ts';
import type { VolumeDisk } from '../volume/volume.ts';
import { readConfig } from './config.ts';
import type { Mongod } from './connection.ts';
import { code, hasCode } from './failures.ts';

export interface InitiateDeps {
  readonly mongod: Mongod;
  readonly volume: VolumeDisk;
}

/**
 * Founds the set on this member, or says which set it already belongs to. The server chooses the id,
 * so a caller that lost the answer asks again and gets the same one.
 */
export async function initiate(deps: InitiateDeps, request: InitiateRequest): Promise<InitiateReply> {
  const { mongod, volume } = deps;
  const { pvcUid: marked, replicaSetId: former } = await volume.read();
  if (marked !== request.pvcUid) throw volumeMismatch(marked, request.pvcUid);

  const existing = await readReplicaSetId(mongod);
  if (existing === undefined && former !== undefined) {
    throw new Refusal(
      'VOLUME_OF_A_SET',
      `the volume belonged to replica set ${former} and its data is gone; no new set is founded on it. If that set never held anything, delete the volume's claim and pod`,
    );
  }
  const replicaSetId = existing ?? (await found(mongod, request));
  await volume.noteReplicaSet(replicaSetId);
  return { replicaSetId };
}

async function found(mongod: Mongod, { host, electionTimeoutMillis }: InitiateRequest): Promise<string> {
  const config = { _id: replicaSetName, members: [{ _id: 0, host }], settings: { electionTimeoutMillis } };
  try {
    await mongod.command({ replSetInitiate: config }, { timeoutMillis: 20_000 });
  } catch (error) {
    if (hasCode(error, code.invalidReplicaSetConfig, code.nodeNotFound)) throw hostUnknown(host, error);
    if (!hasCode(error, code.alreadyInitialized)) throw error;
  }
  const id = await readReplicaSetId(mongod);
  if (id === undefined) {
    throw new Refusal('MONGOD_UNAVAILABLE', 'the set was just founded and mongod does not tell its id yet; ask again');
  }
  return id;
}

async function readReplicaSetId(mongod: Mongod): Promise<string | undefined> {
  const config = await readConfig(mongod);
  switch (config.state) {
    case 'notInitialized':
      return undefined;
    case 'loading':
      throw new Refusal('MONGOD_UNAVAILABLE', 'mongod is still loading its configuration; ask again');
    case 'initialized':
      return config.reply.config.settings.replicaSetId.toHexString();
  }
}

function hostUnknown(host: string, cause: unknown): Refusal {
  return new Refusal(
    'CONFIG_REFUSED',
    `mongod does not find itself at ${host}; does the headless Service resolve it? ${messageOf(cause)}`,
    { cause },
  );
}
