export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the root of the API server, `/api/v1/namespaces/…`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Of the body; `application/json` unless it says otherwise. */
  readonly contentType?: string;
  /** Of the answer, which is JSON: another media type where the path has none but its own. */
  readonly accept?: string;
  readonly signal: AbortSignal;
}

/** JSON over HTTP to one API server, with the identity of a kubeconfig or of the pod's service account. */
export interface ApiClient {
  /** The parsed answer; throws `ApiError` for any status outside 2xx. */
  send<T>(request: ApiRequest): Promise<T>;
  /** The lines of an endless answer, as they come. */
  stream(request: Pick<ApiRequest, 'path' | 'query' | 'signal'>): Promise<AsyncIterable<string>>;
  /** Gives back its connections; requests under way end first. */
  close(): Promise<void>;
}
