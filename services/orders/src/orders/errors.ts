import { OrdersError } from '../errors.ts';

export class TicketNotFound extends OrdersError {
  override readonly code = 'TICKET_NOT_FOUND';

  constructor() {
    super('ticketId is not in the catalogue: GET /api/orders/tickets');
  }
}

export class AlreadyBought extends OrdersError {
  override readonly code = 'ALREADY_BOUGHT';

  constructor() {
    super('each user may buy one ticket of a kind');
  }
}

export class SoldOut extends OrdersError {
  override readonly code = 'SOLD_OUT';

  constructor() {
    super('no ticket of this kind is left');
  }
}
