import { Refusal, messageOf } from '../errors.ts';

/** A disk that takes no writes is beyond what the agent can cure; whoever asked must hear that, and what is left to do. */
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
