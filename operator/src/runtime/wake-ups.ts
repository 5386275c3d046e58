/**
 * Passes that something asks for which is no object of a watched kind: a connection to a pod, for example
 * (controller-runtime's source.Channel). Any number of controllers follow it.
 */
export class WakeUps {
  private readonly followers: ((key: string) => void)[] = [];

  /** A pass of the object with this key (`namespace/name`), soon. */
  wake(key: string): void {
    for (const follower of this.followers) follower(key);
  }

  follow(follower: (key: string) => void): void {
    this.followers.push(follower);
  }
}
