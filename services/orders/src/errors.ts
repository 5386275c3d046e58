/** Every code of this service's own; those of sign-in are in @authstack/verify. */
export const problems = {
  VALIDATION_FAILED: { status: 400, title: 'A field of the request is not acceptable' },
  MALFORMED_JSON: { status: 400, title: 'The body is not JSON' },
  BAD_REQUEST: { status: 400, title: 'The request cannot be read' },
  NOT_FOUND: { status: 404, title: 'There is nothing here' },
  TICKET_NOT_FOUND: { status: 404, title: 'There is no such ticket' },
  ALREADY_BOUGHT: { status: 409, title: 'The user has this ticket already' },
  SOLD_OUT: { status: 409, title: 'The ticket is sold out' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body must be application/json in UTF-8' },
  INTERNAL: { status: 500, title: 'The service failed' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;

export interface FieldError {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

/** What a client is told. The message is for the client too, so it never holds what the client sent. */
export abstract class OrdersError extends Error {
  abstract readonly code: ProblemCode;
  readonly fields: readonly FieldError[] = [];

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

export class ValidationFailed extends OrdersError {
  override readonly code = 'VALIDATION_FAILED';
  override readonly fields: readonly FieldError[];

  constructor(fields: readonly FieldError[]) {
    super(fields.map(({ field, message }) => `${field}: ${message}`).join('; '));
    this.fields = fields;
  }
}

export class UnsupportedMediaType extends OrdersError {
  override readonly code = 'UNSUPPORTED_MEDIA_TYPE';

  constructor() {
    super('send application/json');
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
