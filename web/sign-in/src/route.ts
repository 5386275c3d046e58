/** Which of the two forms the address asks for. The service serves the page at `/` only, so the route is in the hash. */
export type Route = 'signIn' | 'signUp';

export const hashes: Readonly<Record<Route, string>> = { signIn: '#sign-in', signUp: '#sign-up' };

export function routeOf(hash: string): Route {
  return hash === hashes.signUp ? 'signUp' : 'signIn';
}
