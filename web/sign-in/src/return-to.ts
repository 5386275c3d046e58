const MAX_LENGTH = 2_048;

/** One slash, and nowhere what URL parsers drop or turn into a slash: white space, control characters, backslashes. */
const PATH = /^\/(?!\/)[^\u0000-\u0020\u007f\\]*$/;

/**
 * The page that sent the visitor here (`?return_to=/shop/`), as a URL of this origin, or `undefined`: whoever can choose
 * the link to a sign-in page must not choose where people land after they have signed in.
 *
 * Only a path is accepted. It is resolved as the browser will resolve it, and the absolute URL is what is returned: the
 * path alone could read as another host again, as that of `/.//evil.example` does.
 */
export function returnTo(search: string, origin: string): string | undefined {
  const [path, ...others] = new URLSearchParams(search).getAll('return_to');
  if (path === undefined || others.length > 0 || path.length > MAX_LENGTH) return undefined;
  if (!PATH.test(path) || !URL.canParse(path, origin)) return undefined;
  const url = new URL(path, origin);
  return url.origin === origin ? url.href : undefined;
}
