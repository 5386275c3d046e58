import { post } from '@authstack/http-service/operator-server';
import type { OperatorRoute, Subscribe } from '@authstack/http-service/operator-server';
import { z } from 'zod';
import {
  agentContract,
  compatibilityRequest,
  fenceRequest,
  initiateRequest,
  reconfigRequest,
  releaseRequest,
  stepUpRequest,
  userRequest,
  wipeRequest,
} from '../api.ts';
import type {
  CompatibilityRequest,
  FenceRequest,
  InitiateReply,
  InitiateRequest,
  KeyfileReply,
  Observation,
  ReconfigReply,
  ReconfigRequest,
  ReleaseRequest,
  StepUpReply,
  StepUpRequest,
  UserReply,
  UserRequest,
  WipeRequest,
} from '../api.ts';

/** What the operator may request from the agent. */
export interface Commands {
  readonly observe: () => Promise<Observation>;
  readonly release: (request: ReleaseRequest) => Promise<void>;
  readonly initiate: (request: InitiateRequest) => Promise<InitiateReply>;
  readonly reconfig: (request: ReconfigRequest) => Promise<ReconfigReply>;
  readonly ensureUser: (request: UserRequest) => Promise<UserReply>;
  readonly stepDown: () => Promise<void>;
  readonly stepUp: (request: StepUpRequest) => Promise<StepUpReply>;
  readonly watch: Subscribe;
  readonly fence: (request: FenceRequest) => Promise<void>;
  readonly wipe: (request: WipeRequest) => Promise<void>;
  readonly setCompatibility: (request: CompatibilityRequest) => Promise<void>;
  readonly readKeyfile: () => Promise<KeyfileReply>;
}

const nothing = z.strictObject({});

export function commandRoutes(commands: Commands): ReadonlyMap<string, OperatorRoute> {
  const { paths } = agentContract;
  return new Map<string, OperatorRoute>([
    [paths.observation, { method: 'GET', handle: commands.observe }],
    [paths.release, post(releaseRequest, commands.release)],
    [paths.initiate, post(initiateRequest, commands.initiate)],
    [paths.reconfig, post(reconfigRequest, commands.reconfig)],
    [paths.users, post(userRequest, commands.ensureUser)],
    [paths.stepDown, post(nothing, commands.stepDown)],
    [paths.stepUp, post(stepUpRequest, commands.stepUp)],
    [paths.watch, { method: 'GET', subscribe: commands.watch }],
    [paths.fence, post(fenceRequest, commands.fence)],
    [paths.wipe, post(wipeRequest, commands.wipe)],
    [paths.compatibility, post(compatibilityRequest, commands.setCompatibility)],
    [paths.keyfile, post(nothing, commands.readKeyfile)],
  ]);
}
