import { z } from 'zod';
import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf } from '../api/names.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Millis } from '../runtime/objects.ts';
import { createStored, readStored, replaceStored } from './secret.ts';
import type { StoredSecret, StoredVersion, Texts } from './secret.ts';

/** What Secret `<stack>-mongodb-identity` holds: the truth about whether, where and as what the replica set was initiated. */
export type Identity = IdentityFacts &
  (
    | {
        readonly state: 'initiating';
        /** Of the claim on whose volume the first member initiates the set, and on no other. */
        readonly firstClaimUid: string;
      }
    | { readonly state: 'initiated'; readonly replicaSetId: string }
  );

export interface IdentityFacts {
  readonly version: string;
  /** No member that left the set had this `_id` or a higher one. */
  readonly nextMemberId: number;
  /** So many members were once seen voting at once; 0: never all of them, so the set was not offered to people yet. */
  readonly formed: number;
  /** Members from this ordinal on are in no configuration; 0 while no member has reported one. */
  readonly members: number;
  /** The uid of the AuthStack that has the set; one that was created later under the same name has to ask for what is stored. */
  readonly adoptedBy: string;
  /** Absent until a primary has reported it. */
  readonly featureCompatibilityVersion?: string;
  /** Since when all members run `version` and are healthy; absent once nothing of an upgrade is left to do. */
  readonly upgradedAt?: Millis;
  readonly rebuilding?: Rebuilding;
  /** The requests that were granted, each for as long as its annotation stays. */
  readonly rebuilt: readonly Rebuilt[];
  /** Which versions of the credentials were last put into the database. */
  readonly credentials: string;
}

/** A member that begins anew, on an emptied volume or a new one; stored before anything of it goes. */
export interface Rebuilding extends Rebuilt {
  /** Of the claim that it had then. */
  readonly claimUid: string;
}

export interface Rebuilt {
  readonly what: 'data' | 'volume';
  readonly ordinal: number;
}

export type SeenIdentity =
  | { readonly state: 'absent' }
  | { readonly state: 'foreign' }
  | { readonly state: 'malformed'; readonly why: string }
  | (Identity & StoredVersion);

export type Initiating = Extract<SeenIdentity, { state: 'initiating' }>;
export type Initiated = Extract<SeenIdentity, { state: 'initiated' }>;

/** A replica set has at most 50 members, and mongod takes an `_id` up to 255. */
const MAX_MEMBERS = 50;
const MAX_NEXT_ID = 256;

const numberIn = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));
const ordinal = numberIn(0, MAX_MEMBERS - 1);
const none = z.literal('').transform(() => undefined);
const optional = <T>(schema: z.ZodType<T, string>): z.ZodType<T | undefined, string> => z.union([none, schema]);

const instant = z
  .string()
  .transform((text) => Date.parse(text))
  .pipe(z.number().min(0));
const rebuilt = z
  .string()
  .regex(/^(data|volume) \d+$/)
  .transform((text, context): Rebuilt => requestIn(text, context));
const rebuilding = z
  .string()
  .regex(/^(data|volume) \d+ \S+$/)
  .transform((text, context): Rebuilding => ({ ...requestIn(text, context), claimUid: text.split(' ')[2] ?? '' }));

/** `volume 2`, and what follows it. */
function requestIn(text: string, context: z.RefinementCtx): Rebuilt {
  const [what, number = ''] = text.split(' ');
  const at = ordinal.safeParse(number);
  if (!at.success) context.addIssue('the ordinal is out of range');
  return { what: what === 'data' ? 'data' : 'volume', ordinal: at.data ?? 0 };
}

const stored = z.object({
  state: z.enum(['initiating', 'initiated']),
  version: z.string().min(1),
  'first-claim-uid': z.string().default(''),
  'replica-set-id': z.string().default(''),
  'next-member-id': numberIn(1, MAX_NEXT_ID).default(1),
  credentials: z.string().default(''),
  formed: numberIn(0, MAX_MEMBERS).default(0),
  members: numberIn(0, MAX_MEMBERS).default(0),
  'adopted-by': z.string().default(''),
  'feature-compatibility': z.string().default(''),
  'upgraded-at': optional(instant).prefault(''),
  rebuilding: optional(rebuilding).prefault(''),
  rebuilt: z
    .string()
    .default('')
    .transform((text) => (text === '' ? [] : text.split(',')))
    .pipe(z.array(rebuilt)),
});

const identity: StoredSecret<Identity> = {
  component: 'mongodb',
  nameOf: (stackName) => namesOf(stackName).identity,
  decode(texts) {
    const { data, error } = stored.safeParse(texts);
    if (!data) return { why: explain(error) };
    const facts = factsIn(data);
    if (data.state === 'initiating') {
      const firstClaimUid = data['first-claim-uid'];
      if (firstClaimUid === '') return { why: 'first-claim-uid is missing' };
      return { value: { ...facts, state: 'initiating', firstClaimUid } };
    }
    const replicaSetId = data['replica-set-id'];
    if (replicaSetId === '') return { why: 'replica-set-id is missing' };
    return { value: { ...facts, state: 'initiated', replicaSetId } };
  },
  encode: (value) => ({
    state: value.state,
    version: value.version,
    'first-claim-uid': value.state === 'initiating' ? value.firstClaimUid : '',
    'replica-set-id': value.state === 'initiated' ? value.replicaSetId : '',
    'next-member-id': String(value.nextMemberId),
    credentials: value.credentials,
    formed: String(value.formed),
    members: String(value.members),
    'adopted-by': value.adoptedBy,
    'feature-compatibility': value.featureCompatibilityVersion ?? '',
    'upgraded-at': value.upgradedAt === undefined ? '' : new Date(value.upgradedAt).toISOString(),
    rebuilding: value.rebuilding ? `${textOf(value.rebuilding)} ${value.rebuilding.claimUid}` : '',
    rebuilt: value.rebuilt.map(textOf).join(','),
  }),
};

function factsIn(data: z.infer<typeof stored>): IdentityFacts {
  const featureCompatibilityVersion = data['feature-compatibility'];
  return {
    version: data.version,
    credentials: data.credentials,
    members: data.members,
    nextMemberId: data['next-member-id'],
    rebuilt: data.rebuilt,
    formed: data.formed,
    adoptedBy: data['adopted-by'],
    ...(featureCompatibilityVersion !== '' && { featureCompatibilityVersion }),
    ...(data['upgraded-at'] !== undefined && { upgradedAt: data['upgraded-at'] }),
    ...(data.rebuilding && { rebuilding: data.rebuilding }),
  };
}

function textOf({ what, ordinal: at }: Rebuilt): string {
  return `${what} ${at}`;
}

function explain({ issues: [issue] }: z.ZodError): string {
  return issue ? `${issue.path.join('.')}: ${issue.message}` : 'it does not fit the schema';
}

/** A field that cannot be read makes all of it malformed, for it decides about people's data. */
export function readIdentity(stack: AuthStack, secret: Secret | undefined): SeenIdentity {
  const seen = readStored(identity, stack, secret);
  if (seen.state !== 'value') return seen;
  const { value, resourceVersion, createdAt } = seen;
  return { ...value, resourceVersion, createdAt };
}

/** Only if there is none. */
export function createIdentity(stack: AuthStack, value: Identity): KubernetesAction {
  return createStored(identity, stack, value);
}

/** Replaces exactly the version that the decision was made on. */
export function replaceIdentity(
  stack: AuthStack,
  { resourceVersion }: Pick<StoredVersion, 'resourceVersion'>,
  value: Identity,
): KubernetesAction {
  return replaceStored(identity, stack, { value, resourceVersion });
}

/** `undefined` removes what was stored. */
export type IdentityChange = {
  readonly [Key in keyof IdentityFacts]?: IdentityFacts[Key] | undefined;
};

export function changeIdentity(
  stack: AuthStack,
  seen: Initiating | Initiated,
  change: IdentityChange,
): KubernetesAction {
  const { resourceVersion, createdAt: _createdAt, ...value } = { ...seen, ...change };
  return replaceIdentity(stack, { resourceVersion }, value as Identity);
}

/** As it is stored; for tests and tools that read the Secret's texts. */
export function identityTexts(value: Identity): Texts {
  return identity.encode(value);
}
