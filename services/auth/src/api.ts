import { OPERATOR_COMMON_NAME } from '@authstack/http-service/operator-client';
import { opsPaths } from '@authstack/http-service/ops-paths';
import { serviceApi } from '@authstack/verify/service-api';
import { z } from 'zod';

/*
 * What operator and auth service agree on: neither spells a port, path, variable, cookie, file or field of these itself.
 * Whatever is here has to be understood by the version before, for pods and operator are upgraded at different times.
 */

export const authContract = {
  /** Of the listener for browsers and API clients. */
  publicPort: 8080,
  /** Of the listener for kubelet, Prometheus and operator. */
  probePort: 9090,
  alivePath: opsPaths.alive,
  readyPath: opsPaths.ready,
  metricsPath: opsPaths.metrics,
  /** `podStatus` of a pod, on the probe port. */
  statusPath: '/status',
  /** Of the listener for the operator alone: mutual TLS with certificates of the stack's authority. */
  operatorPort: 9443,
  /** Of the only client that it lets in. */
  operatorCommonName: OPERATOR_COMMON_NAME,
  /** `keysReport`, on the operator's port. */
  keysPath: '/ops/keys',
  /** Takes `keysReload` there, answers `keysReport`. */
  reloadKeysPath: '/ops/keys/reload',
  /** `clientsReport`, on the operator's port. */
  clientsPath: '/ops/clients',
  /** Takes `clientsDocument` there, answers `clientsReport`. */
  reloadClientsPath: '/ops/clients/reload',
  /** `verifiersReport`, on the operator's port. */
  verifiersPath: '/ops/verifiers',
  /** Of the listener for services, the stack's clients: TLS with a certificate of the stack's authority. */
  servicePort: 8443,
  /** On the service port: a new access token for the session of a consumer's caller. */
  refreshPath: serviceApi.refreshPath,
  /** On the service port: server-sent events, what changes for those who verify tokens. */
  eventsPath: serviceApi.eventsPath,
  /** Takes `acknowledgement` there. */
  acknowledgePath: serviceApi.acknowledgePath,
  /** Takes `goodbye` there. */
  goodbyePath: serviceApi.goodbyePath,
  /** Header of a client on the service port that shows a ServiceAccount's token: its `client-id`. */
  clientIdHeader: serviceApi.clientIdHeader,
  /** On the public port, and what a consumer's `jwks.json` is a copy of. */
  jwksPath: '/.well-known/jwks.json',
  /** How long a pod takes at most to end, once its drain is over. */
  finishWithinSeconds: 25,
  /** The built sign-in page, in the image. */
  signInDir: '/app/sign-in',
  /** Of a connection string that names none. */
  defaultDatabase: 'auth',
  /** Of the accounts, in that database. */
  usersCollection: 'users',
} as const;

/** For drivers: a connection string may name its database and need not (mongodb.com/docs, "Connection Strings"). */
export function databaseNamed(uri: string): { readonly dbName?: string } {
  return /^[a-z+]+:\/\/[^/]+\/[^?]/.test(uri) ? {} : { dbName: authContract.defaultDatabase };
}

/** Environment of a pod; docs/auth-service.md says what each is. */
export const variables = {
  issuer: 'AUTHSTACK_ISSUER',
  audiences: 'AUTHSTACK_AUDIENCES',
  accessTokenTtlSeconds: 'AUTHSTACK_ACCESS_TOKEN_TTL_SECONDS',
  sessionTtlSeconds: 'AUTHSTACK_SESSION_TTL_SECONDS',
  sessionIdleTtlSeconds: 'AUTHSTACK_SESSION_IDLE_TTL_SECONDS',
  inlineRefresh: 'AUTHSTACK_INLINE_REFRESH',
  trustedProxies: 'AUTHSTACK_TRUSTED_PROXIES',
  jwksMaxAgeSeconds: 'AUTHSTACK_JWKS_MAX_AGE_SECONDS',
  clockSkewSeconds: 'AUTHSTACK_CLOCK_SKEW_SECONDS',
  passwordMinLength: 'AUTHSTACK_PASSWORD_MIN_LENGTH',
  signingKeysFile: 'AUTHSTACK_SIGNING_KEYS_FILE',
  wrappingKeyDirs: 'AUTHSTACK_WRAPPING_KEY_DIRS',
  secretsFile: 'AUTHSTACK_SECRETS_FILE',
  mongodbUriFile: 'AUTHSTACK_MONGODB_URI_FILE',
  signInDir: 'AUTHSTACK_SIGN_IN_DIR',
  initialAdminDir: 'AUTHSTACK_INITIAL_ADMIN_DIR',
  pageTitle: 'AUTHSTACK_PAGE_TITLE',
  pageColor: 'AUTHSTACK_PAGE_COLOR',
  pageSupportUrl: 'AUTHSTACK_PAGE_SUPPORT_URL',
  operatorTlsDir: 'AUTHSTACK_OPERATOR_TLS_DIR',
  toldDir: 'AUTHSTACK_TOLD_DIR',
  clientsFile: 'AUTHSTACK_CLIENTS_FILE',
  servicePort: 'AUTHSTACK_SERVICE_PORT',
  port: 'AUTHSTACK_PORT',
  operatorPort: 'AUTHSTACK_OPERATOR_PORT',
  probePort: 'AUTHSTACK_PROBE_PORT',
  drainSeconds: 'AUTHSTACK_DRAIN_SECONDS',
  logLevel: 'AUTHSTACK_LOG_LEVEL',
  /** Every container has it. */
  podName: 'HOSTNAME',
} as const;

/** What a pod answers at `statusPath`. Whoever reaches the pod can read it, so nothing of it is a secret. */
export const podStatus = z.object({
  /** What must come before requests may; empty when the pod is ready. */
  missing: z.array(z.string()),
  database: z.object({
    /** It answers now. */
    up: z.boolean(),
    /**
     * Why it does not, or, while it does, why a changed connection string is not in use: the driver's message. Absent until
     * that is known.
     */
    problem: z.string().optional(),
  }),
  keys: z
    .object({
      /** Why the mounted key ring is not in use, or why a pod that starts now could not use it. */
      problem: z.string().optional(),
    })
    .optional(),
  clients: z
    .object({
      /** Why the mounted clients are not in use. */
      problem: z.string().optional(),
    })
    .optional(),
});
export type PodStatus = z.infer<typeof podStatus>;

const kid = z.string().min(1).max(128);
const ringVersion = z.int().nonnegative();

/** What a pod answers at `keysPath`: which keys it has in its memory, and what it does with them. */
export const keysReport = z.object({
  /** Its name: an address may be another pod's by now. */
  pod: z.string(),
  /** Those that it publishes and accepts. */
  kids: z.array(kid),
  /** The one that it signs with; absent: it signs with none. */
  signingKid: kid.exactOptional(),
  /** When it last signed with each, in milliseconds; only those that it has signed with. */
  lastSignedAt: z.record(kid, z.number()),
  /** Of the key ring that these are of; 0: none, or one that has no version. */
  secretVersion: ringVersion,
  /** The highest that it was told: no older ring is used. */
  floor: ringVersion,
  /** Those that it will not use while it lives, wherever they come from. */
  revokedKids: z.array(kid),
  /** Ids of the wrapping keys that it mounts. */
  wrappingKeys: z.array(z.string()).exactOptional(),
});
export type KeysReport = Readonly<z.infer<typeof keysReport>>;

/** What a pod is sent at `reloadKeysPath`: what the key ring says now, before a mount shows it. */
export const keysReload = z.strictObject({
  /** Public keys (RFC 7517) to publish and accept; one that the pod does not understand is left out. */
  keys: z.array(z.looseObject({ kid })).max(256),
  /** The key that signs from now on, where the pod has its private half; absent: the one that signs in the mounted ring. */
  signingKid: kid.exactOptional(),
  revokedKids: z.array(kid).max(256),
  /** Version of that key ring. */
  floor: ringVersion,
});
export type KeysReload = Readonly<z.infer<typeof keysReload>>;

const clientId = z.string().min(3).max(320);

/**
 * Content of `clients.json`, and what a pod is sent at `reloadClientsPath`: the services that consent now, as the operator
 * knows them. Whoever is in none of them is refused on the service port.
 */
export const clientsDocument = z.object({
  /** Rises with each change, so that no older one takes the place of a newer one. */
  version: ringVersion,
  /** Who signs the tokens of ServiceAccounts; absent: the operator may not read it, and no such token is accepted. */
  cluster: z.object({ issuer: z.string(), keys: z.array(z.looseObject({ kid })).max(64) }).exactOptional(),
  clients: z.array(
    z.object({
      /** `<namespace>/<name>` of the AuthConsumer. */
      id: clientId,
      /** The audience of the tokens that it verifies. */
      audience: z.string(),
      /** Whose tokens, with the stack's issuer as audience, are this client's. */
      serviceAccount: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }).exactOptional(),
      /** Its client secrets: SHA-256 of each in base64url, and when it ends (RFC 3339); absent: when another takes its place. */
      secrets: z
        .array(z.object({ sha256: z.string().length(43), notAfter: z.string().exactOptional() }))
        .exactOptional(),
    }),
  ),
});
export type ClientsDocument = Readonly<z.infer<typeof clientsDocument>>;

/** What a pod answers at `clientsPath`. */
export const clientsReport = z.object({
  /** Its name: an address may be another pod's by now. */
  pod: z.string(),
  /** Of the clients that it lets in; 0: it has none yet. */
  version: ringVersion,
});
export type ClientsReport = Readonly<z.infer<typeof clientsReport>>;

/** What a verifier says at `acknowledgePath`, every few seconds while it is connected: which keys it has in its memory. */
export const acknowledgement = z.strictObject({
  /** Random, for as long as the process lives. */
  instance: z.string().min(8).max(64),
  /** Name of its pod or machine, for people. */
  name: z.string().max(253),
  kids: z.array(kid).max(256),
});
export type Acknowledgement = Readonly<z.infer<typeof acknowledgement>>;

/** What a verifier says at `goodbyePath` before it ends: nobody is to wait for it any more. */
export const goodbye = acknowledgement.pick({ instance: true });
export type Goodbye = Readonly<z.infer<typeof goodbye>>;

/** What a pod answers at `verifiersPath`: who has acknowledged keys to it, also those that have vanished since. */
export const verifiersReport = z.object({
  /** Its name: an address may be another pod's by now. */
  pod: z.string(),
  verifiers: z.array(
    z.object({
      /** The client that it authenticated as: `<namespace>/<name>` of an AuthConsumer. */
      client: clientId,
      ...acknowledgement.shape,
      /** Since it was heard last; on the pod's monotonic clock, so that no two clocks are compared. */
      heardMillisAgo: z.number().nonnegative(),
    }),
  ),
  /** Who has said goodbye to it since; another pod may still know them. None in the answer of an earlier version. */
  left: z
    .array(
      z.object({ client: clientId, instance: acknowledgement.shape.instance, leftMillisAgo: z.number().nonnegative() }),
    )
    .default([]),
});
export type VerifiersReport = Readonly<z.infer<typeof verifiersReport>>;

export interface CookieNames {
  readonly token: string;
  readonly session: string;
}

export interface CookieSettings {
  /** The stack's publicURL. */
  readonly issuer: string;
  /** Consumers may see the session, to refresh the expired token of their caller. */
  readonly inlineRefresh: boolean;
}

export function cookieNames({ issuer, inlineRefresh }: CookieSettings): CookieNames {
  if (!issuer.startsWith('https:')) return { token: 'token', session: 'session' };
  // __Host- demands Path=/, so a cookie of a narrower path can only be __Secure-.
  return { token: '__Host-token', session: inlineRefresh ? '__Host-session' : '__Secure-session' };
}

/** Names of the mounted files. */
export const files = {
  /** Secret with the key ring, private halves and all. */
  keyRing: 'ring.json',
  /** Secret with `authSecrets`. */
  secrets: 'secrets.json',
  /** Public keys as JWK Set (RFC 7517), for whoever verifies tokens. */
  jwks: 'jwks.json',
  /** Secret with `clientsDocument`. */
  clients: 'clients.json',
  /** The initial admin's. */
  email: 'email',
  password: 'password',
} as const;

/** Keys of one purpose: new work uses the current one, old work finds its own by id. */
const keySet = z
  .object({
    current: z.string(),
    keys: z.record(
      z.string().regex(/^[A-Za-z0-9_-]{1,32}$/),
      z.base64().refine((text) => Buffer.byteLength(text, 'base64') >= 32, 'has fewer than 32 bytes'),
    ),
  })
  .refine(({ current, keys }) => Object.hasOwn(keys, current), 'its current key is not among its keys');

/** Content of `secrets.json`. Messages of its errors name fields and ids, never a key. */
export const authSecrets = z.object({ pepper: keySet, refresh: keySet, totp: keySet });
export type AuthSecrets = z.infer<typeof authSecrets>;

/**
 * A document of the stack's database: written in the transaction that makes the first user, never changed after. While it is
 * there, a new pepper would make every password of the database useless.
 */
export const usersMarker = {
  collection: 'stack',
  id: 'users',
  schema: z.object({
    _id: z.literal('users'),
    /** When the first user was made, or was first seen in a database older than the marker. */
    since: z.date(),
    /** Id of the pepper in that user's password hash. */
    pepperId: z.string(),
  }),
} as const;
export type UsersMarker = z.infer<typeof usersMarker.schema>;
