import { isQuick } from '../report.ts';

/** What is measured: everything, or in QUICK=1 enough to see whether something got worse. */
export interface Parameters {
  /** Of `spec.signingKeys` and `spec.auth`: nothing rotates in less than a minute, and the rest leaves the next key its time. */
  readonly rotationInterval: string;
  readonly jwksMaxAge: string;
  readonly volumeRefresh: string;
  readonly clockSkew: string;
  readonly accessTokenTTL: string;
  readonly maxWait: string;
  /** Of a changed Secret, until it is in the mounts: what no kubelet is there for. */
  readonly mountsAfterSeconds: number;
  /** Rotations by age, with so many namespaces that have a copy of the keys, one size after the other. */
  readonly rotations: readonly { readonly consumers: number; readonly count: number }[];
  /** A key that signs is revoked before so many of the last rotations. */
  readonly rotationsAfterRevocation: number;
  /** Event streams on one auth pod, at which the operator is watched while it has nothing to do. */
  readonly connections: number;
  readonly connectionsPerSecond: number;
  readonly idleSeconds: number;
  /** The same streams, whose verifiers acknowledge nothing meanwhile: what these cost and what that does. */
  readonly muteSeconds: number;
  /** New tokens, from each pod in turn. */
  readonly tokensPerSecond: number;
  /** By each service. */
  readonly verificationsPerSecond: number;
  readonly verificationsAtLeast: number;
}

const full: Parameters = {
  rotationInterval: '1m',
  jwksMaxAge: '10s',
  volumeRefresh: '5s',
  clockSkew: '2s',
  accessTokenTTL: '3m',
  maxWait: '30s',
  mountsAfterSeconds: 4,
  rotations: [
    { consumers: 10, count: 5 },
    { consumers: 500, count: 5 },
  ],
  rotationsAfterRevocation: 1,
  connections: 1_000,
  connectionsPerSecond: 250,
  idleSeconds: 60,
  muteSeconds: 10,
  tokensPerSecond: 4,
  verificationsPerSecond: 200,
  verificationsAtLeast: 100_000,
};

/** CONSUMERS=500 measures how a key gets to that many copies, and away from them, in four minutes. */
const { CONSUMERS: consumers = '20' } = process.env;

const quick: Parameters = {
  ...full,
  rotations: [{ consumers: Number(consumers), count: 1 }],
  rotationsAfterRevocation: 0,
  connections: 100,
  idleSeconds: 10,
  muteSeconds: 5,
  verificationsAtLeast: 10_000,
};

export const parameters: Parameters = isQuick ? quick : full;
