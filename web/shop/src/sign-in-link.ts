/** The stack's sign-in page, which comes back here. It lies at the root of the address that the shop shares with it. */
export function signInLink(here: Pick<Location, 'pathname' | 'search'>): string {
  return `/?return_to=${encodeURIComponent(here.pathname + here.search)}`;
}
