import { OPERATOR_COMMON_NAME } from '@authstack/http-service/operator-client';
import { z } from 'zod';

/** What operator and agent agree on besides the bodies. */
export const agentContract = {
  apiPort: 9443,
  probePort: 9090,
  /** No answer takes longer: a reconfig waits for mongod and then for a majority. */
  slowestAnswerMillis: 40_000,
  /** The API serves only clients whose certificate chains to the stack's CA and carries this common name. */
  clientCommonName: OPERATOR_COMMON_NAME,
  /** A stream repeats its last line this often. */
  heartbeatMillis: 5_000,
  paths: {
    observation: '/v1/observation',
    release: '/v1/release',
    initiate: '/v1/initiate',
    reconfig: '/v1/reconfig',
    users: '/v1/users',
    stepDown: '/v1/step-down',
    stepUp: '/v1/step-up',
    watch: '/v1/watch',
    fence: '/v1/fence',
    wipe: '/v1/wipe',
    compatibility: '/v1/feature-compatibility',
    keyfile: '/v1/keyfile',
  },
} as const;

export const memberState = z.enum([
  'STARTUP',
  'PRIMARY',
  'SECONDARY',
  'RECOVERING',
  'STARTUP2',
  'UNKNOWN',
  'ARBITER',
  'DOWN',
  'ROLLBACK',
  'REMOVED',
]);
export type MemberState = z.infer<typeof memberState>;

// Replies are read leniently and requests strictly: agent and operator are upgraded at different times.
const configMember = z.object({
  _id: z.int().min(0).max(255),
  host: z.string().min(3).max(300),
  votes: z.union([z.literal(0), z.literal(1)]),
  priority: z.number().min(0).max(1000),
});
export type ConfigMember = z.infer<typeof configMember>;

/** Position in the oplog; of two, the one of the newer term is ahead, whatever its time. */
const optime = z.object({ term: z.int(), seconds: z.int(), ordinal: z.int() });
export type Optime = z.infer<typeof optime>;

/** Positive: the first is ahead. */
export function compareOptimes(one: Optime, other: Optime): number {
  return one.term - other.term || one.seconds - other.seconds || one.ordinal - other.ordinal;
}

const observedMember = z.object({
  _id: z.int(),
  host: z.string(),
  state: memberState,
  health: z.union([z.literal(0), z.literal(1)]),
  /** 0 while the member has reported none. */
  optimeMillis: z.number(),
  /** Behind the primary; absent when no primary is in sight or the member is not reached. */
  lagSeconds: z.number().min(0).exactOptional(),
});
export type ObservedMember = z.infer<typeof observedMember>;

export const volumeState = z.enum(['empty', 'data', 'unreadable']);
export type VolumeState = z.infer<typeof volumeState>;

const volume = z.object({
  /** `empty` only when that is certain; whatever may be damage is `unreadable`. */
  state: volumeState,
  /** From the marker on the volume: the claim it was released for, and the set it belongs to. */
  pvcUid: z.string().exactOptional(),
  replicaSetId: z.string().exactOptional(),
  /** mongod may not start on it; recorded in the marker, so it holds across pods. */
  fenced: z.boolean().exactOptional(),
  /** Of the file system, from statvfs(3); absent where that fails. */
  capacityBytes: z.number().min(0).exactOptional(),
  availableBytes: z.number().min(0).exactOptional(),
  /** Why the volume is unreadable, for people. */
  problem: z.string().exactOptional(),
});
export type Volume = z.infer<typeof volume>;

/**
 * `waiting`: mongod is held. `released`: this start was permitted (whether mongod still runs is `mongod.state`).
 * `unknown`: the mongod container has not started yet.
 */
export const gateState = z.enum(['waiting', 'released', 'unknown']);
export type GateState = z.infer<typeof gateState>;

const mongod = z.object({
  /** `down`: its port refuses connections, so it does not run. `starting`: it does not answer, for whatever reason. */
  state: z.enum(['down', 'starting', 'answers']),
  version: z.string().exactOptional(),
  featureCompatibilityVersion: z.string().exactOptional(),
  /** Why nothing more is known of a mongod that answers, for people. */
  problem: z.string().exactOptional(),
});
export type MongodObservation = z.infer<typeof mongod>;

const replicaSet = z.discriminatedUnion('state', [
  z.object({ state: z.literal('unknown') }),
  /** A mongod that runs and never belonged to a replica set. */
  z.object({ state: z.literal('notInitialized') }),
  z.object({
    state: z.literal('initialized'),
    /** Hex. */
    replicaSetId: z.string(),
    self: memberState,
    selfHost: z.string().exactOptional(),
    /** Of elections, as far as this member knows; that of the configuration may be older. */
    term: z.int().exactOptional(),
    /** Of the last write that this member has applied. */
    optime: optime.exactOptional(),
    config: z.object({ version: z.int(), term: z.int(), members: z.array(configMember) }),
    /** As this member sees them; empty when it does not know (a removed member). */
    members: z.array(observedMember),
    /** Only the primary knows: `false` everywhere else. */
    configCommitted: z.boolean(),
  }),
]);
export type ReplicaSetObservation = z.infer<typeof replicaSet>;

export const observation = z.object({ podUid: z.string(), volume, gate: gateState, mongod, replicaSet });
export type Observation = z.infer<typeof observation>;

const pvcUid = z.string().min(1).max(64);

export const releaseRequest = z.strictObject({ pvcUid });
export type ReleaseRequest = z.infer<typeof releaseRequest>;

export const initiateRequest = z.strictObject({
  pvcUid,
  /** `<member>.<service>.<namespace>.svc:27017`, as the other members will reach it. */
  host: z.string().regex(/^[A-Za-z0-9.-]{1,253}:\d{1,5}$/, 'must be host:port'),
  settings: z.strictObject({
    /** How long members do not hear from a primary before they call an election. */
    electionTimeoutMillis: z.int().min(1_000).max(60_000),
    /** How long a new primary catches up on writes that no majority has before it accepts new ones. */
    catchUpTimeoutMillis: z.int().min(0).max(60_000),
  }),
});
export type InitiateRequest = z.infer<typeof initiateRequest>;
export const initiateReply = z.object({ replicaSetId: z.string() });
export type InitiateReply = z.infer<typeof initiateReply>;

export const reconfigRequest = z.strictObject({
  /** The version that the change was decided on; another one in the database is `CONFIG_CHANGED`. */
  expectedVersion: z.int().min(1),
  members: z.array(z.strictObject(configMember.shape)).min(1).max(50),
});
export type ReconfigRequest = z.infer<typeof reconfigRequest>;
export const reconfigReply = z.object({ version: z.int() });
export type ReconfigReply = z.infer<typeof reconfigReply>;

export const userRequest = z.strictObject({
  username: z.string().min(1).max(128),
  password: z.string().min(16).max(1024),
  roles: z.array(z.strictObject({ role: z.string().min(1).max(128), db: z.string().min(1).max(64) })).max(32),
});
export type UserRequest = z.infer<typeof userRequest>;
export const userReply = z.object({ outcome: z.enum(['created', 'updated', 'unchanged']) });
export type UserReply = z.infer<typeof userReply>;

export const stepUpRequest = z.strictObject({
  /** In which the primary has ended; in any other nothing is done. */
  term: z.int().min(1),
  /** The member that has ended, as the configuration names it. */
  ended: z.string().min(3).max(300),
});
export type StepUpRequest = z.infer<typeof stepUpRequest>;
export const stepUpReply = z.object({
  /** `ended`: no reachable voter had more, so the new primary did not wait. `left`: it ends, or has ended, by itself. */
  catchUp: z.enum(['ended', 'left']),
});
export type StepUpReply = z.infer<typeof stepUpReply>;

/** A line of `paths.watch`: what the agent knows of its mongod the moment it happens. */
export const watchedMongod = z.object({
  /** `ended`: its port refuses connections. A frozen one still `runs`. */
  mongod: z.enum(['unknown', 'runs', 'ended']),
  role: z.enum(['unknown', 'primary', 'secondary', 'neither']),
});
export type WatchedMongod = z.infer<typeof watchedMongod>;

/** `fenced: true`: no mongod starts on the volume from now on; one that runs continues until its pod is deleted. */
export const fenceRequest = z.strictObject({ pvcUid, fenced: z.boolean() });
export type FenceRequest = z.infer<typeof fenceRequest>;

/** Removes mongod's files from a fenced volume on which no mongod runs, and then the fence. */
export const wipeRequest = z.strictObject({ pvcUid });
export type WipeRequest = z.infer<typeof wipeRequest>;

export const compatibilityRequest = z.strictObject({ version: z.string().regex(/^\d+\.\d+$/) });
export type CompatibilityRequest = z.infer<typeof compatibilityRequest>;

/** What the running mongod has read, else what is mounted. */
export const keyfileReply = z.object({ keyfile: z.string().min(6).max(1024) });
export type KeyfileReply = z.infer<typeof keyfileReply>;

export const errorCode = z.enum([
  'BAD_REQUEST',
  'BODY_TOO_LARGE',
  'CLIENT_REFUSED',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'UNSUPPORTED_MEDIA_TYPE',
  /** The volume was released for another claim, or for none yet. */
  'VOLUME_MISMATCH',
  /** The volume is unreadable; mongod does not start on it. */
  'VOLUME_UNREADABLE',
  /** The volume belonged to a replica set before, so no new one is initiated on it. */
  'VOLUME_OF_A_SET',
  /** The mongod container has not reached its gate yet. */
  'GATE_NOT_WAITING',
  /** The volume is fenced; mongod does not start on it. */
  'VOLUME_FENCED',
  /** Only a fenced volume on which no mongod runs is wiped. */
  'VOLUME_IN_USE',
  'MONGOD_UNAVAILABLE',
  /** mongod does not accept the keyfile's content for `__system`. */
  'KEYFILE_REFUSED',
  'NOT_INITIALIZED',
  'NOT_PRIMARY',
  'CONFIG_CHANGED',
  /** mongod finds the configuration invalid, or cannot reach the host named in it. */
  'CONFIG_REFUSED',
  /** No majority has the configuration yet: retry, the change may already be in force. */
  'CONFIG_NOT_COMMITTED',
  /** mongod refused the user, or no majority confirmed it in time. */
  'USER_REFUSED',
  /** mongod refuses the feature compatibility version, or no majority confirmed it in time. */
  'COMPATIBILITY_REFUSED',
  /** There is neither a keyfile that a mongod has read nor a mounted one. */
  'KEYFILE_GONE',
  /** No caught-up electable member could take over. */
  'NO_SUCCESSOR',
  /** An election has taken place since the request was decided on. */
  'TERM_CHANGED',
  'NOT_SECONDARY',
  /** No majority voted for this member. */
  'ELECTION_LOST',
  'INTERNAL',
]);
export type ErrorCode = z.infer<typeof errorCode>;

/** RFC 9457; every answer of 400 and above has this body, as `application/problem+json`. */
export const problem = z.object({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  code: errorCode,
  detail: z.string(),
  /** For `BAD_REQUEST`: one entry for each field that is wrong. */
  errors: z.array(z.object({ field: z.string(), message: z.string() })).exactOptional(),
});
export type Problem = z.infer<typeof problem>;
