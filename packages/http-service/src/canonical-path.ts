/**
 * The paths of our services consist of unreserved characters (RFC 3986, section 2.3), so each has one spelling. Express and its
 * static files would read others as the same: `//x`, `/./x`, `/%78`, `/x#y`, and where there is a `#` also `\x`. Whoever judges
 * paths before us, a proxy by its rules or our own router, would judge something else than what is answered.
 *
 * A target may be a whole address (RFC 9112, section 3.2.2).
 */
export function isCanonical(target: string): boolean {
  const [path = ''] = target.split('?', 1);
  return CANONICAL.test(path);
}

const ADDRESS = String.raw`(?:https?://[\w.:[\]-]+)?`;
const SEGMENT = String.raw`/(?!\.{1,2}(?:/|$))[\w.~-]+`;
const CANONICAL = new RegExp(`^${ADDRESS}(?:/|(?:${SEGMENT})+/?)$`);
