import { mongo } from 'mongoose';
import { appName } from '../mongo/link.ts';

/** What the database answers to commands of the pods, and of nobody else. */
export interface Fault {
  readonly failCommands: readonly string[];
  /** The command is not carried out. */
  readonly errorCode?: number;
  /** The command is carried out, and then answered with this. */
  readonly writeConcernError?: { readonly code: number; readonly codeName: string; readonly errmsg: string };
  readonly errorLabels?: readonly string[];
  /** Only of this collection, with its database. */
  readonly namespace?: string;
  /** The command is answered so much later. */
  readonly blockMs?: number;
}

/** Ends with `using` at the latest. */
export interface FailingCommands extends AsyncDisposable {
  /** Resolves once so many commands have failed. */
  failed(times: number): Promise<void>;
  end(): Promise<void>;
}

const FAIL_POINT = 'failCommand';

/** By MongoDB's own fail point, on the primary; its mongod runs with `enableTestCommands`. */
export async function failingCommands(
  uri: string,
  mode: 'alwaysOn' | { readonly times: number },
  { blockMs, ...fault }: Fault,
): Promise<FailingCommands> {
  const client = await new mongo.MongoClient(uri, { appName: 'test' }).connect();
  const admin = client.db('admin');
  const configure = (settings: object): Promise<mongo.Document> =>
    admin.command({ configureFailPoint: FAIL_POINT, ...settings });
  const blocking = blockMs === undefined ? {} : { blockConnection: true, blockTimeMS: blockMs };
  const { count } = await configure({ mode, data: { ...fault, ...blocking, appName } });
  const end = async (): Promise<void> => {
    await configure({ mode: 'off' });
  };
  return {
    end,
    async failed(times) {
      await admin.command({ waitForFailPoint: FAIL_POINT, timesEntered: Number(count) + times, maxTimeMS: 20_000 });
    },
    async [Symbol.asyncDispose]() {
      await end();
      await client.close();
    },
  };
}
