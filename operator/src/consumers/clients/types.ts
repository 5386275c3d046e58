import type { ClientsDocument } from '@authstack/auth-service/api';
import type { AuthStack } from '../../api/auth-stack.ts';
import type { ClientsVersion } from '../../auth-pods/clients-client.ts';
import type { KubernetesAction } from '../../runtime/cluster.ts';
import type { Millis, ObjectRef } from '../../runtime/objects.ts';
import type { SeenIssuer } from '../../runtime/service-account-issuer.ts';
import type { Generations, StoredClients } from '../../stored/clients.ts';
import type { Seen } from '../../stored/secret.ts';

/** SHA-256 of a client secret. */
export type SecretHash = string;

/** A consumer that both sides consent to, as far as the auth pods have to know it. */
export interface ConsentingClient {
  /** `<namespace>/<name>` of the AuthConsumer. */
  readonly id: string;
  readonly audience: string;
  readonly credential:
    | {
        readonly type: 'serviceAccount';
        readonly namespace: string;
        readonly name: string;
        /** Absent: there is no such ServiceAccount. */
        readonly uid?: string;
      }
    /** Those of the current and of the next generation; absent: there is no key to derive them from. */
    | { readonly type: 'secret'; readonly hashes?: readonly SecretHash[] };
  /** Of what its copies hold. */
  readonly held: ReadonlySet<SecretHash>;
}

/** An auth pod that lets clients in. */
export interface ClientHolder {
  readonly name: string;
  /** Undefined: it has no address, so it cannot be asked. */
  readonly ip: string | undefined;
  readonly isTerminating: boolean;
  /** When its container started last; undefined while it does not run. */
  readonly startedAt: Millis | undefined;
  /** Of the clients that it knows. `notAsked`: its mount shows the document by now. */
  readonly version: ClientsVersion | 'notAsked';
}

/** The times that a rotation of client secrets derives from; they are those of the signing keys. */
export interface ClientsPolicy {
  readonly rotationInterval: Millis;
  readonly volumeRefresh: Millis;
  readonly clockSkew: Millis;
}

/** Everything the plan may look at, already read; there is nothing in here to await, and no client secret. */
export interface ClientsObservation {
  readonly stack: AuthStack;
  readonly now: Millis;
  readonly policy: ClientsPolicy;
  readonly stored: Seen<StoredClients>;
  readonly clientKey: Seen<{ readonly madeAt: Millis }>;
  /** In force from this pass on: those that are stored, or their successors where it is time. */
  readonly generations: Generations;
  readonly consenting: readonly ConsentingClient[];
  /** Namespaces whose AuthConsumers cannot be judged for now: what is stored of them stays. */
  readonly unseenNamespaces: readonly string[];
  /** Asked for only where a client shows the token of a ServiceAccount. */
  readonly cluster: SeenIssuer | 'notAsked';
  readonly pods: readonly ClientHolder[];
}

export type ClientsAction = KubernetesAction | CreateClientKey | ReloadClients;

/** Pods are told what the document says, which their mounts show minutes later. */
export interface ReloadClients {
  readonly type: 'reloadClients';
  /** The AuthStack. */
  readonly stack: ObjectRef;
  readonly pods: readonly { readonly name: string; readonly ip: string }[];
  readonly wanted: ClientsDocument;
}

export interface CreateClientKey {
  readonly type: 'createClientKey';
  /** The AuthStack. */
  readonly stack: ObjectRef;
}
