import { Refusal, messageOf } from '../errors.ts';

/** The agent cannot repair a disk that refuses writes; the caller must learn that, and what can still be done. */
export async function writing(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(
      'VOLUME_UNREADABLE',
      `the volume cannot be written: ${messageOf(error)}; delete the member's claim and pod to give it another one`,
      { cause: error },
    );
  }
}
