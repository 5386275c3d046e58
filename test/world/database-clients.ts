import { MongoClient } from 'mongodb';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import { secretKind } from '../../operator/src/runtime/core-kinds.ts';
import type { Secret } from '../../operator/src/runtime/core-kinds.ts';
import { objectPath } from '../../operator/src/runtime/paths.ts';
import { memberLookup, openClient, reachPods } from './pod-network.ts';
import type { Stack } from './stack.ts';

/** As the auth service: a write that takes longer has failed. In milliseconds. */
const WITHIN = 10_000;

interface Pair {
  readonly plain: MongoClient;
  readonly retrying: MongoClient;
}

/**
 * Clients of a stack's database. They sign in with what its Secret holds, and connect to the members directly, as the auth
 * service does.
 */
export class DatabaseClients implements AsyncDisposable {
  private readonly stack: Stack;
  private readonly api: ApiClient & AsyncDisposable;
  private readonly opened: MongoClient[] = [];
  private uri: string;
  private current: Pair;

  private constructor(stack: Stack, api: ApiClient & AsyncDisposable, uri: string) {
    this.stack = stack;
    this.api = api;
    this.uri = uri;
    this.current = this.open(uri);
  }

  static async of(stack: Stack): Promise<DatabaseClients> {
    await reachPods();
    const api = await openClient();
    return new DatabaseClients(stack, api, await uriOf(stack, api));
  }

  /** Tries each operation once. */
  get plain(): MongoClient {
    return this.current.plain;
  }

  /** Lets the driver try a write once more, as the auth service does. */
  get retrying(): MongoClient {
    return this.current.retrying;
  }

  /** Signs in again if the Secret has other credentials by now. What is under way keeps those it began with. */
  async signIn(): Promise<void> {
    const uri = await uriOf(this.stack, this.api);
    if (uri === this.uri) return;
    this.uri = uri;
    this.current = this.open(uri);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.opened.map((client) => client.close()));
    await this.api[Symbol.asyncDispose]();
  }

  private open(uri: string): Pair {
    const lookup = memberLookup(this.api, this.stack.namespace);
    const [plain, retrying] = [false, true].map(
      (retryWrites) =>
        new MongoClient(uri, {
          retryWrites,
          retryReads: false,
          lookup,
          serverSelectionTimeoutMS: WITHIN,
          socketTimeoutMS: WITHIN,
          waitQueueTimeoutMS: WITHIN,
          wtimeoutMS: WITHIN,
          connectTimeoutMS: 2_000,
          heartbeatFrequencyMS: 1_000,
          maxPoolSize: 200,
        }),
    ) as [MongoClient, MongoClient];
    this.opened.push(plain, retrying);
    return { plain, retrying };
  }
}

async function uriOf({ namespace, name }: Stack, api: ApiClient): Promise<string> {
  const path = objectPath(secretKind, { namespace, name: `${name}-mongodb-auth-user` });
  const { data } = await api.send<Secret>({ method: 'GET', path, signal: AbortSignal.timeout(2_000) });
  return atob(data?.['uri'] ?? '');
}
