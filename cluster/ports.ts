import { once } from 'node:events';
import { createServer } from 'node:net';

/** Whether something on this machine listens on that port of the loopback interface. */
export async function isTaken(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return false;
  } catch {
    return true;
  } finally {
    server.close();
  }
}
