import { buildConnector } from 'undici';
import type { Millis } from './objects.ts';

/**
 * For undici's `connect.timeout`, in a connection to a pod. One whose node is gone neither accepts nor refuses, and a pass must not
 * wait for it. undici counts in steps of half a second, so it ends within 1 s.
 */
export const CONNECTS_WITHIN: Millis = 500;

/** PEM texts, and the name that the pod's certificate has. */
export interface PodTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly servername: string;
}

const connect = buildConnector({ timeout: CONNECTS_WITHIN });

/**
 * For undici's `connect`: the node of the pod accepts within a second or is gone, and then the pod's process, which may have little
 * CPU time, has until `within` for the handshake.
 */
export function connectSecurely(tls: PodTls, within: Millis): buildConnector.connector {
  const handshake = buildConnector({ ...tls, timeout: within });
  return (to, done) => {
    connect({ hostname: to.hostname, port: to.port, protocol: 'http:' }, (...[error, socket]) => {
      if (error) done(error, null);
      else handshake({ ...to, httpSocket: socket }, done);
    });
  };
}

/** The address of a pod as the host of a URL. */
export function hostOf(ip: string): string {
  return ip.includes(':') ? `[${ip}]` : ip;
}
