import { z } from 'zod';
import type { AuthStack } from '../api/auth-stack.ts';
import { STACK_LABEL, labelsOf, namesOf, namespaceOf } from '../api/names.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Millis } from '../runtime/objects.ts';

/** What Secret `<stack>-mongodb-identity` says: the truth about whether, where and as what the set was founded. */
export type SeenIdentity =
  | { readonly state: 'absent' }
  | { readonly state: 'foreign' }
  | { readonly state: 'malformed'; readonly why: string }
  | (IdentityFacts & { readonly state: 'founding'; readonly firstMemberClaimUid: string })
  | (IdentityFacts & { readonly state: 'founded'; readonly replicaSetId: string });

export type Initiated = Extract<SeenIdentity, { state: 'founded' }>;

export interface IdentityFacts {
  readonly resourceVersion: string;
  readonly createdAt: Millis;
  /** Everything the Secret holds, decoded; a change is written over all of it. */
  readonly data: Readonly<Record<string, string>>;
  readonly version: string;
  /** No member that left the set had this `_id` or a higher one. */
  readonly nextMemberId: number;
  /** All members were seen voting at once since the founding. */
  readonly formed: boolean;
  /** Members from this ordinal on are in no configuration; 0 while nobody has told. */
  readonly members: number;
  /** The uid of the AuthStack that keeps the set; another one, made after that was deleted, has to ask for what is there. */
  readonly adoptedBy: string;
  readonly featureCompatibilityVersion: string;
  /** Since when all members run `version` and are healthy; absent once nothing of an upgrade is left to do. */
  readonly upgradedAt?: Millis;
  readonly rebuilding?: Rebuilding;
  /** The requests that were granted, `volume 2`, each for as long as it stands. */
  readonly rebuilt: readonly string[];
  /** Which credentials were last put into the database, see `credentialsOf`. */
  readonly credentials: string;
}

/** A member that is to begin anew, with an empty volume or on its own one; written down before anything of it goes. */
export interface Rebuilding {
  readonly what: 'data' | 'volume';
  readonly ordinal: number;
  /** Of the claim that it had then. */
  readonly claimUid: string;
}

const stored = z.intersection(
  z.object({
    version: z.string().min(1),
    'next-member-id': z.coerce.number().int().min(1).default(1),
    credentials: z.string().default(''),
    formed: z.string().default(''),
    members: z.coerce.number().int().min(0).default(0),
    'adopted-by': z.string().default(''),
    'feature-compatibility': z.string().default(''),
    'upgraded-at': z.string().default(''),
    rebuilding: z.string().default(''),
    rebuilt: z.string().default(''),
  }),
  z.discriminatedUnion('state', [
    z.object({ state: z.literal('founding'), 'founder-pvc-uid': z.string().min(1) }),
    z.object({ state: z.literal('founded'), 'replica-set-id': z.string().min(1) }),
  ]),
);

/** Reads the identity Secret; a field that is missing makes all of it malformed, for it decides about people's data. */
export function readIdentity(stack: AuthStack, secret: Secret | undefined): SeenIdentity {
  if (!secret) return { state: 'absent' };
  if (!isOfStack(stack, secret)) return { state: 'foreign' };
  const { resourceVersion = '', creationTimestamp = '' } = secret.metadata;
  const data = Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, atob(value)]));
  const parsed = stored.safeParse(data);
  if (!parsed.success) return { state: 'malformed', why: whyNot(parsed.error) };
  const createdAt = Date.parse(creationTimestamp);
  const facts = { resourceVersion, createdAt, data, ...factsIn(parsed.data) };
  return parsed.data.state === 'founding'
    ? { ...facts, state: 'founding', firstMemberClaimUid: parsed.data['founder-pvc-uid'] }
    : { ...facts, state: 'founded', replicaSetId: parsed.data['replica-set-id'] };
}

function factsIn(told: z.infer<typeof stored>): Omit<IdentityFacts, 'resourceVersion' | 'createdAt' | 'data'> {
  const upgradedAt = Date.parse(told['upgraded-at']);
  const rebuilding = rebuildingFrom(told.rebuilding);
  return {
    version: told.version,
    credentials: told.credentials,
    members: told.members,
    nextMemberId: told['next-member-id'],
    rebuilt: told.rebuilt === '' ? [] : told.rebuilt.split(','),
    formed: told.formed === 'yes',
    adoptedBy: told['adopted-by'],
    // Before it was ever seen, nothing newer than the version can have been set.
    featureCompatibilityVersion: told['feature-compatibility'] || told.version,
    ...(Number.isFinite(upgradedAt) && { upgradedAt }),
    ...(rebuilding && { rebuilding }),
  };
}

export function isOfStack(stack: AuthStack, { metadata }: Secret): boolean {
  return metadata.labels?.[STACK_LABEL] === stack.metadata.name;
}

function whyNot({ issues: [issue] }: z.ZodError): string {
  return issue ? `${issue.path.join('.')}: ${issue.message}` : 'not as it should be';
}

/** `data 1 <uid of the claim>` */
function rebuildingFrom(text: string): Rebuilding | undefined {
  const [what, ordinal, claimUid] = text.split(' ');
  if ((what !== 'data' && what !== 'volume') || claimUid === undefined) return undefined;
  return { what, ordinal: Number(ordinal), claimUid };
}

export function rebuildingText({ what, ordinal, claimUid }: Rebuilding): string {
  return `${what} ${ordinal} ${claimUid}`;
}

/** Founding begins: only if no identity exists. */
export function createIdentity(stack: AuthStack, data: Readonly<Record<string, string>>): KubernetesAction {
  return { type: 'create', kind: secretKind, object: identitySecret(stack, data) };
}

/** Writes changes over exactly the version that the decision was made on. */
export function changeIdentity(
  stack: AuthStack,
  identity: Extract<SeenIdentity, { readonly resourceVersion: string }>,
  changes: Readonly<Record<string, string>>,
): KubernetesAction {
  const secret = identitySecret(stack, { ...identity.data, ...changes });
  const metadata = { ...secret.metadata, resourceVersion: identity.resourceVersion };
  return { type: 'replace', kind: secretKind, object: { ...secret, metadata } };
}

function identitySecret(stack: AuthStack, data: Readonly<Record<string, string>>): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: namesOf(stack.metadata.name).identity,
      namespace: namespaceOf(stack),
      labels: labelsOf(stack, 'mongodb'),
    },
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, btoa(value)])),
  };
}
