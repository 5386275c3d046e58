import { requireSameOrigin } from '../http/csrf.ts';
import { publicRoute } from '../http/route.ts';
import type { PublicRoute } from '../http/route.ts';
import { counted } from '../metrics/counted.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { ApplicantOf } from '../passwords/applicant.ts';
import { newPassword } from '../passwords/password.ts';
import type { Cookies } from '../sessions/cookies.ts';
import { deviceOf } from '../sessions/delivery.ts';
import { signInRequest, unreadable, userReply } from '../sessions/requests.ts';
import type { Throttles } from '../throttles/throttles.ts';
import { publicUser } from '../users/user.ts';
import type { From } from '../sessions/sign-in.ts';
import { signUp } from './sign-up.ts';
import type { SignUpPorts } from './sign-up.ts';

export interface SignUpRoutePorts {
  readonly signUp: SignUpPorts;
  readonly applicantOf: ApplicantOf;
  readonly cookies: Cookies;
  readonly origin: string;
  readonly passwordMinLength: number;
  readonly metrics: Metrics;
  readonly throttles: Throttles;
}

export function signUpRoutes(ports: SignUpRoutePorts): readonly PublicRoute[] {
  const { applicantOf, cookies, origin, metrics, throttles } = ports;
  return [
    publicRoute({
      method: 'post',
      path: '/api/users/signup',
      summary: 'Make an account and sign in',
      body: signInRequest.extend({ password: newPassword(ports.passwordMinLength) }),
      reply: { status: 201, schema: userReply },
      problems: [
        ...unreadable,
        'CSRF_REJECTED',
        'EMAIL_TAKEN',
        'TOO_MANY_ATTEMPTS',
        'OVERLOADED',
        'COOKIE_TOO_LARGE',
        'DATABASE_UNAVAILABLE',
        'NOT_READY',
      ],
      async handle({ request, response, body }) {
        requireSameOrigin(request, origin);
        const grant = await counted(metrics.signUps, { done: 'signed_up' }, () => {
          const credentials = body();
          const from: From = {
            device: deviceOf(request, 'cookie'),
            applicant: applicantOf({ request, response }, credentials.email),
            async throttle(work) {
              await throttles.admit('sign_up', request);
              return work();
            },
          };
          return signUp(credentials, from, ports.signUp);
        });
        cookies.set(grant, { request, response });
        throttles.remember({ request, response }, grant.user.email);
        return publicUser(grant.user);
      },
    }),
  ];
}
