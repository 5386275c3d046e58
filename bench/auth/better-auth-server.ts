import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { hash, verify } from '@node-rs/argon2';
import { betterAuth } from 'better-auth';
import { mongodbAdapter } from 'better-auth/adapters/mongodb';
import { toNodeHandler } from 'better-auth/node';
import { MongoClient } from 'mongodb';

/** The peer of `make bench-auth`, as its documentation sets it up, with our hash and nothing else switched on. */
const [port = '', uri = ''] = process.argv.slice(2);
const client = await new MongoClient(uri, {
  readConcern: { level: 'majority' },
  writeConcern: { w: 'majority' },
}).connect();
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1, secret: randomBytes(32) };
const baseURL = `http://127.0.0.1:${port}`;
const auth = betterAuth({
  baseURL,
  secret: randomBytes(32).toString('base64'),
  database: mongodbAdapter(client.db('better-auth')),
  emailAndPassword: {
    enabled: true,
    password: {
      hash: (password) => hash(password, cost),
      verify: ({ hash: stored, password }) => verify(stored, password, cost),
    },
  },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  trustedOrigins: [baseURL],
});
const handler = toNodeHandler(auth);
const server = createServer((request, response) => void handler(request, response)).listen(Number(port), '127.0.0.1');
await once(server, 'listening');
