import { routesFor } from '../http/route.ts';
import type { MakeRoute, Route } from '../http/route.ts';
import type { Actor } from './present.ts';

export type SessionRoute = Route<'session', Actor>;
export const sessionRoute: MakeRoute<'session', Actor> = routesFor('session');
