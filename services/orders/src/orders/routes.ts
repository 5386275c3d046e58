import { userOf } from '@authstack/verify';
import type { Verifier } from '@authstack/verify';
import type { Router } from 'express';
import { z } from 'zod';
import { ServiceError } from '@authstack/http-service/errors';
import { refuseOtherMethods } from '@authstack/http-service/allowed-methods';
import { exactRouter } from '@authstack/http-service/exact-router';
import { jsonBody } from '@authstack/http-service/json-body';
import { parsed } from '@authstack/http-service/validation';
import type { Metrics } from '../metrics.ts';
import { buyTicket } from './buy-ticket.ts';
import type { BuyTicketPorts, Purchase } from './buy-ticket.ts';
import type { Order, OrderStore } from './order-store.ts';
import type { Ticket } from './catalogue.ts';

export interface OrderRoutePorts extends BuyTicketPorts {
  readonly verifier: Pick<Verifier, 'requireUser'>;
  readonly metrics: Metrics;
}

const orderRequest = z.strictObject({ ticketId: z.string().min(1, 'must not be empty').max(64) });

/** Whole, for a router that is mounted answers its path with a slash at the end as well. */
const paths = { orders: '/api/orders', tickets: '/api/orders/tickets' } as const;

export function orderRoutes(ports: OrderRoutePorts): Router {
  const { verifier, catalogue, store } = ports;
  const signedIn = verifier.requireUser();
  const router = exactRouter()
    .get(paths.tickets, (_request, response) => {
      response.json({ tickets: onSale(catalogue, store) });
    })
    .get(paths.orders, signedIn, (request, response) => {
      response.json({ orders: store.ofUser(userOf(request).id).map(shown) });
    })
    .post(paths.orders, signedIn, jsonBody({ maxBytes: 4096, required: true }), (request, response) => {
      const { ticketId } = parsed(orderRequest, request.body);
      const order = counted({ userId: userOf(request).id, ticketId }, ports);
      response.status(201).json(shown(order));
    });
  return refuseOtherMethods(router);
}

function onSale(catalogue: readonly Ticket[], store: OrderStore): object[] {
  const sold = store.sold();
  return catalogue.map(({ id, title, price, stock }) => {
    return { id, title, price, remaining: Math.max(0, stock - (sold.get(id) ?? 0)) };
  });
}

function shown({ id, ticketId, title, createdAt }: Order): object {
  return { id, ticketId, title, createdAt: new Date(createdAt).toISOString() };
}

function counted(purchase: Purchase, ports: OrderRoutePorts): Order {
  try {
    const order = buyTicket(purchase, ports);
    ports.metrics.purchases.inc({ outcome: 'placed' });
    return order;
  } catch (error) {
    ports.metrics.purchases.inc({ outcome: error instanceof ServiceError ? error.code.toLowerCase() : 'failed' });
    throw error;
  }
}
