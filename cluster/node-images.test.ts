import { expect, test } from '@jest/globals';
import { fullName } from './node-images.ts';

test.each([
  ['busybox:1.35', 'docker.io/library/busybox:1.35'],
  ['authstack/auth:dev-1', 'docker.io/authstack/auth:dev-1'],
  ['localhost/authstack/mongod:6.0.5-1', 'localhost/authstack/mongod:6.0.5-1'],
  ['localhost:5000/auth:1', 'localhost:5000/auth:1'],
  ['docker.io/library/mongo:8.0', 'docker.io/library/mongo:8.0'],
])('%s is held as %s', (tag, held) => {
  expect(fullName(tag)).toBe(held);
});
