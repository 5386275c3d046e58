import type { ConfigMember } from '@authstack/mongodb-agent/api';
import type { AgentAddress } from '../../agents/client.ts';
import type { KubernetesAction } from '../../runtime/cluster.ts';
import type { ObjectRef } from '../../runtime/objects.ts';
import type { ReportedEvent } from '../../runtime/reconciler.ts';

/** A member that can be called. */
export interface ReachableMember extends AgentAddress {
  readonly host: string;
}

export type MongodbAction = KubernetesAction | MongodbOwnAction;

export type MongodbOwnAction = SecretAction | AgentAction;

interface Reported {
  /** Recorded only when the action was performed. */
  readonly event?: ReportedEvent;
}

/** Writes a Secret whose content is generated, or read from elsewhere, when the action is performed. */
export type SecretAction = Reported & { readonly stack: ObjectRef } & (
    | { readonly type: 'createKeyfile' }
    /** Creates the keyfile's Secret from what a member has read. */
    | { readonly type: 'recoverKeyfile'; readonly member: ReachableMember }
    | { readonly type: 'createRootUser' }
    | { readonly type: 'createAuthUser'; readonly hosts: readonly string[] }
    /** Writes the hosts of the members into the auth user's connection string. */
    | { readonly type: 'refreshUri'; readonly hosts: readonly string[] }
  );

/** A command to the agent of one member. */
export type AgentAction = Reported & { readonly stack: ObjectRef; readonly member: ReachableMember } & (
    | { readonly type: 'release' | 'initiate' | 'wipe'; readonly pvcUid: string }
    | { readonly type: 'fence'; readonly pvcUid: string; readonly fenced: boolean }
    | { readonly type: 'stepDown' }
    /** In place of the primary of this term, `ended` by its host; `overtaken` where the term is another by now. */
    | { readonly type: 'standForElection'; readonly term: number; readonly ended: string }
    | { readonly type: 'raiseCompatibility'; readonly version: string }
    | {
        readonly type: 'reconfigure';
        readonly expectedVersion: number;
        readonly members: readonly ConfigMember[];
      }
    /** Puts the stored credentials into the database. */
    | { readonly type: 'ensureUsers' }
  );
