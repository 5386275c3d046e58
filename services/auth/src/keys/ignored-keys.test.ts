import { expect, test } from '@jest/globals';
import { mountSecret, ringKey, someSecrets, startPod } from '../testing/world.ts';

test('a key of the ring that this version does not know is ignored, counted and logged without what is private', async () => {
  const known = ringKey('known', 'active');
  const foreign = { ...ringKey('foreign', 'next'), phase: 'escrowed' };
  await using keys = await mountSecret({ 'ring.json': JSON.stringify({ keys: [known, foreign] }) });
  await using secrets = await mountSecret({ 'secrets.json': someSecrets() });
  await using mongodb = await mountSecret({});

  await using pod = await startPod({ keys, secrets, mongodb });

  const { text } = await pod.probe('/metrics');
  expect(text).toContain('authstack_key_ring_keys{kid="known",algorithm="ES256",phase="active"} 1');
  expect(text).toContain('authstack_key_ring_keys{kid="foreign",algorithm="ES256",phase="ignored"} 1');
  const [line, ...more] = pod.log.filter((each) => each.includes('ignoring a key of the ring'));
  expect(more).toEqual([]);
  expect(JSON.parse(line ?? '')).toMatchObject({ kid: 'foreign', reason: expect.stringContaining('phase') });
  expect(line).not.toMatch(/"(d|privateJwk)"/);
});
