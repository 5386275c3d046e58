import { files } from '@authstack/auth-service/api';
import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf, namespaceOf } from '../api/names.ts';
import type { Millis } from '../runtime/objects.ts';
import { databaseUriOf } from '../stored/database-uri.ts';
import { foreignSecret } from '../stored/secret.ts';
import type { AuthServiceObservation, AuthVerdict } from './types.ts';

/** Rules about the Secrets that the pods mount. */

/** Secrets that are a person's own are not watched. */
const RECHECK: Millis = 5_000;
/** A Secret that is restored without labels is not watched either; an external database is read again. */
const DATABASE_RECHECK: Millis = 10_000;

export function theSecretsAreNotOurs({
  stack,
  secrets,
  databaseUri,
  keyRing,
  certificate,
  now,
}: AuthServiceObservation): AuthVerdict | undefined {
  const names = namesOf(stack.metadata.name);
  const foreign = [
    ...(secrets.state === 'foreign' ? [names.authSecrets] : []),
    ...(databaseUri === 'foreign' ? [databaseUriOf(stack).secretName] : []),
    ...(keyRing === 'foreign' ? [names.signingKeys] : []),
    ...(certificate === 'foreign' ? [names.authTls] : []),
  ];
  const [name] = foreign;
  if (name === undefined) return undefined;
  return {
    status: 'False',
    reason: 'SecretNotOwned',
    message: foreignSecret(stack, name),
    stalls: 'now',
    recheckAt: now + RECHECK,
  };
}

export function theSecretsAreInvalid({ stack, secrets }: AuthServiceObservation): AuthVerdict | undefined {
  if (secrets.state !== 'malformed') return undefined;
  return {
    status: 'False',
    reason: 'SecretMalformed',
    message:
      `Secret ${namesOf(stack.metadata.name).authSecrets} is invalid (${secrets.why}). The operator leaves it as it is: no ` +
      `stored password can be verified without its pepper. Restore it from a backup`,
    stalls: 'now',
  };
}

export function theSecretsAreLost({ stack, secrets, now }: AuthServiceObservation): AuthVerdict | undefined {
  if (secrets.state !== 'absent' || secrets.earlierStart.state !== 'evident') return undefined;
  const { evidence } = secrets.earlierStart;
  return {
    status: 'False',
    reason: 'SecretLost',
    message:
      `Secret ${namesOf(stack.metadata.name).authSecrets} is gone although the stack has started before (${evidence}). The ` +
      `operator creates no new one: that would make every stored password useless. Restore it from a backup; pods that ` +
      `run keep serving`,
    stalls: 'now',
    recheckAt: now + DATABASE_RECHECK,
  };
}

export function theDatabaseUriIsMissing({ stack, databaseUri, now }: AuthServiceObservation): AuthVerdict | undefined {
  if (databaseUri !== 'absent' || !stack.spec.mongodb.external) return undefined;
  const { secretName, key } = databaseUriOf(stack);
  return {
    status: 'False',
    reason: 'DatabaseUriNotFound',
    message:
      `Secret ${secretName} of spec.mongodb.external.uriSecretRef does not exist or has no ${key}. Create it: kubectl -n ` +
      `${namespaceOf(stack)} create secret generic ${secretName} --from-file=${key}=…`,
    recheckAt: now + RECHECK,
  };
}

/** Whoever does not know whether users exist must not make the pepper that their passwords would need. */
export function theDatabaseCannotBeRead({ stack, secrets, now }: AuthServiceObservation): AuthVerdict | undefined {
  if (secrets.state !== 'absent' || secrets.earlierStart.state !== 'unknown') return undefined;
  const { secretName } = databaseUriOf(stack);
  const { authSecrets } = namesOf(stack.metadata.name);
  return {
    status: 'Unknown',
    reason: 'DatabaseNotRead',
    message:
      `Secret ${authSecrets} does not exist, and the operator cannot read the database of Secret ${secretName} to see ` +
      `whether it has users whose passwords need it: ${secrets.earlierStart.problem}. Let the operator's pods reach the ` +
      `database, or correct the credentials in Secret ${secretName}, or restore Secret ${authSecrets} from a backup`,
    recheckAt: now + DATABASE_RECHECK,
  };
}

export function theDatabaseHasNoUser({ stack, databaseUri }: AuthServiceObservation): AuthVerdict | undefined {
  if (databaseUri !== 'absent') return undefined;
  const { secretName } = databaseUriOf(stack);
  return waiting('WaitingForDatabase', `Secret ${secretName} does not exist yet; see condition DatabaseReady`, stack);
}

export function theSecretsDoNotExist({ stack, secrets }: AuthServiceObservation): AuthVerdict | undefined {
  if (secrets.state !== 'absent') return undefined;
  return {
    status: 'False',
    reason: 'Starting',
    message: `The operator creates Secret ${namesOf(stack.metadata.name).authSecrets}`,
  };
}

export function noSigningKeyExists({ stack, keyRing }: AuthServiceObservation): AuthVerdict | undefined {
  if (keyRing !== 'absent') return undefined;
  const { signingKeys } = namesOf(stack.metadata.name);
  return waiting('WaitingForSigningKeys', `Secret ${signingKeys} does not exist yet; see condition KeysReady`, stack);
}

/** Whoever cannot ask the pods which keys they have cannot rotate the keys. */
export function thereIsNoCertificate({ stack, certificate }: AuthServiceObservation): AuthVerdict | undefined {
  if (certificate !== 'absent') return undefined;
  const { authTls } = namesOf(stack.metadata.name);
  return waiting('WaitingForCertificates', `Secret ${authTls} does not exist yet; see condition Stalled`, stack);
}

function waiting(
  reason: 'WaitingForDatabase' | 'WaitingForSigningKeys' | 'WaitingForCertificates',
  what: string,
  stack: AuthStack,
): AuthVerdict {
  const way = `kubectl -n ${namespaceOf(stack)} describe authstack ${stack.metadata.name}`;
  return { status: 'False', reason, message: `${what}: ${way}` };
}

/** The service starts without its initial admin: pods that wait would only hide a mistyped name. */
export function theInitialAdminIsMissing({
  stack,
  initialAdmin,
  now,
}: AuthServiceObservation): AuthVerdict | undefined {
  if (initialAdmin.state !== 'missing' && initialAdmin.state !== 'incomplete') return undefined;
  const name = stack.spec.auth.initialAdmin?.secretRef.name ?? '';
  const secret = `Secret ${name} of spec.auth.initialAdmin.secretRef`;
  const way =
    `kubectl -n ${namespaceOf(stack)} create secret generic ${name} --from-literal=${files.email}=… ` +
    `--from-literal=${files.password}=…`;
  const verdict = { status: 'False', recheckAt: now + RECHECK } as const;
  return initialAdmin.state === 'missing'
    ? {
        ...verdict,
        reason: 'InitialAdminSecretNotFound',
        message: `${secret} does not exist. Create it, or remove the field: ${way}`,
      }
    : {
        ...verdict,
        reason: 'InitialAdminSecretIncomplete',
        message: `${secret} has no ${initialAdmin.key}. It needs both: ${way}`,
      };
}
