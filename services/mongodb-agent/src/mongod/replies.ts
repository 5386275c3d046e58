import { ObjectId } from 'mongodb';
import { z } from 'zod';
import { memberState } from '../api.ts';
import { optimeReply } from './optime.ts';
import type { MemberState } from '../api.ts';

// mongod's answers, as far as the agent uses them. Configurations stay loose: a reconfig sends back what it did not change.

const bit = z.union([z.literal(0), z.literal(1)]);

export const configReply = z.object({
  config: z.looseObject({
    _id: z.string(),
    version: z.int(),
    term: z.int().default(-1),
    members: z.array(z.looseObject({ _id: z.int(), host: z.string(), votes: bit, priority: z.number() })),
    settings: z.looseObject({ replicaSetId: z.instanceof(ObjectId) }),
  }),
  commitmentStatus: z.boolean().optional(),
});
export type ConfigReply = z.infer<typeof configReply>;

/** By the numbers of mongod's documentation; `stateStr` is a sentence for some of them. */
const states: readonly MemberState[] = [
  'STARTUP',
  'PRIMARY',
  'SECONDARY',
  'RECOVERING',
  'UNKNOWN',
  'STARTUP2',
  'UNKNOWN',
  'ARBITER',
  'DOWN',
  'ROLLBACK',
  'REMOVED',
];

const stateNumber = z.int().transform((number): MemberState => states[number] ?? memberState.enum.UNKNOWN);

export const statusReply = z.object({
  myState: stateNumber,
  /** mongod's own time. */
  date: z.date().optional(),
  term: z.int().optional(),
  optimes: z.object({ appliedOpTime: optimeReply }).optional(),
  /** Whom this member replicates from; empty: nobody. */
  syncSourceHost: z.string().optional(),
  members: z.array(
    z.object({
      _id: z.int(),
      name: z.string(),
      /** mongod reports -1 for a member it has not reached yet. */
      health: z.number().transform((health) => (health === 1 ? 1 : 0)),
      state: stateNumber,
      optimeDate: z.date().optional(),
      /** Only of a primary, also of one that has fallen silent. */
      electionDate: z.date().optional(),
      optime: optimeReply.optional(),
      /** When this member last answered, by the clock of the one that asked. */
      lastHeartbeat: z.date().optional(),
      self: z.boolean().optional(),
    }),
  ),
});
export type StatusReply = z.infer<typeof statusReply>;

export const helloReply = z.object({
  isWritablePrimary: z.boolean(),
  secondary: z.boolean(),
  /** mongod answers a `hello` with it only once something has changed. */
  topologyVersion: z.object({ processId: z.instanceof(ObjectId), counter: z.number() }).optional(),
});
export const buildInfoReply = z.object({ version: z.string() });
export const compatibilityReply = z.object({ featureCompatibilityVersion: z.object({ version: z.string() }) });
