import { routesFor } from '../http/route.ts';
import type { MakeRoute, Route } from '../http/route.ts';
import type { Client } from './clients.ts';

/** On the listener for services: `caller` is the client that asks. */
export type ClientRoute = Route<'client', Client>;
export const clientRoute: MakeRoute<'client', Client> = routesFor('client');
