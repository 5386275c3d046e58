import { request } from 'node:http';

/** Of a path that is not `/`: how somebody writes it who wants a proxy to see another path than the service. */
export function otherSpellings(path: string): readonly string[] {
  const [, first = '', ...rest] = path.split('/');
  const below = rest.map((segment) => `/${segment}`).join('');
  const capitals = path.replace(/[a-z]/i, (letter) =>
    /[a-z]/.test(letter) ? letter.toUpperCase() : letter.toLowerCase(),
  );
  return [
    ...(capitals === path ? [] : [capitals]),
    path.endsWith('/') ? path.slice(0, -1) : `${path}/`,
    `/${path}`,
    `${path}//`,
    `/.${path}`,
    `/x/..${path}`,
    `${path}/.`,
    `/${first}//${rest.join('/')}`,
    `/%${first.charCodeAt(0).toString(16)}${first.slice(1)}${below}`,
    `${path.slice(0, -1)}%${path
      .charCodeAt(path.length - 1)
      .toString(16)
      .padStart(2, '0')}`,
    `${path}%2f`,
    `${path}%00`,
    `${path};x=1`,
    `${path}#`,
    ...(rest.length > 0
      ? [`/${first}%2f${rest.join('/')}`, `/${first}\\${rest.join('/')}`, `/${first}\\${rest.join('/')}#`]
      : []),
  ];
}

/** The status of a request whose target is sent as it is: `fetch` makes it canonical first. */
export function statusOf(address: string, method: string, target: string): Promise<number> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    request({ hostname, port, method, path: target, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .once('error', reject)
      .end();
  });
}
