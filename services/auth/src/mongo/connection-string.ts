/** Query options of a connection string whose values are secret (mongodb.com/docs, "Connection String Options"). */
const secretOptions = /[?&](?:authMechanismProperties|tlsCertificateKeyFilePassword|proxyPassword)=([^&]*)/gi;

/**
 * A message about a connection string without the secrets of it. Drivers rarely repeat them, but their messages go to the log,
 * to `/status` and to a condition that many may read. The string may be one that nobody can parse.
 */
export function withoutSecrets(message: string, uri: string): string {
  return secretsOf(uri).reduce((text, secret) => text.replaceAll(secret, '[redacted]'), message);
}

/** Longest first, for one may be part of another. */
function secretsOf(uri: string): readonly string[] {
  const [, credentials = ''] = /^[a-z+]+:\/\/(.*)@/is.exec(uri) ?? [];
  const password = credentials.slice(credentials.indexOf(':') + 1);
  const values = [password, ...Array.from(uri.matchAll(secretOptions), ([, value = '']) => value)];
  return [uri, ...values.flatMap((value) => [value, decoded(value)])]
    .filter((secret) => secret !== '')
    .sort((one, other) => other.length - one.length);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
