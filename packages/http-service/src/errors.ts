export interface FieldError {
  /** Name of the field, header or parameter; nested names are joined by dots. */
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

export interface ServiceErrorOptions extends ErrorOptions {
  readonly fields?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
}

/** What a client is answered. The message is for the client too, so it never holds what the client sent. */
export abstract class ServiceError extends Error {
  /** One of the service's table of problems. */
  abstract readonly code: string;
  readonly fields: readonly FieldError[];
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, { fields = [], retryAfterSeconds, ...options }: ServiceErrorOptions = {}) {
    super(message, options);
    this.name = new.target.name;
    this.fields = fields;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export class ValidationFailed extends ServiceError {
  override readonly code = 'VALIDATION_FAILED';

  constructor(fields: readonly FieldError[]) {
    super(fields.map(({ field, message }) => `${field}: ${message}`).join('; '), { fields });
  }
}

export class UnsupportedMediaType extends ServiceError {
  override readonly code = 'UNSUPPORTED_MEDIA_TYPE';

  constructor() {
    super('send application/json');
  }
}

export class BodyTooLarge extends ServiceError {
  override readonly code = 'BODY_TOO_LARGE';

  constructor(maxBytes: number) {
    super(`the body may have ${maxBytes} bytes`);
  }
}

export class MalformedJson extends ServiceError {
  override readonly code = 'MALFORMED_JSON';

  constructor() {
    super('the body must be a JSON object');
  }
}

/** Of whatever was thrown, for logs; the message of a foreign error holds a secret only if its author put it there. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
