import type { Link } from '../mongo/link.ts';
import { pepperIdOf } from '../passwords/passwords.ts';
import type { PasswordHash } from '../passwords/passwords.ts';
import type { PasswordStore } from './user.ts';

/** What of a user concerns its password. */
interface PasswordFields {
  readonly password: PasswordHash;
  readonly pepperId: string;
}

const BATCH = 1_000;

/** Which pepper the password of a user needs is a field of its own, so that an index can say which are needed. */
export function passwordsOf({ connection, run, patiently }: Link, model: string): PasswordStore {
  const User = connection.model<PasswordFields>(model);

  /** Those that a version without the field wrote, also while this one runs beside it. */
  async function namePeppers(): Promise<void> {
    const pepperId = { $ifNull: [{ $first: { $split: ['$password', ':'] } }, ''] };
    for (let named = BATCH; named === BATCH;) {
      named = await patiently(async () => {
        const found = await User.find({ pepperId: null }).select('_id').limit(BATCH).lean();
        if (found.length === 0) return 0;
        const these = { _id: { $in: found.map(({ _id }) => _id) } };
        await User.updateMany(these, [{ $set: { pepperId } }], { updatePipeline: true, timestamps: false });
        return found.length;
      });
    }
  }

  async function peppersInUse(): Promise<readonly string[]> {
    await namePeppers();
    const ids = await patiently(() => User.distinct('pepperId'));
    return ids.filter((id) => id !== '');
  }

  return {
    replacePassword: (id, { from, to }) =>
      run(async () => {
        const replaced = { password: to, pepperId: pepperIdOf(to) };
        // Nobody else has this hash: where it is stored already, an earlier attempt has put it there.
        const { matchedCount } = await User.updateOne({ _id: id, password: { $in: [from, to] } }, { $set: replaced });
        return matchedCount === 1;
      }),

    peppersInUse,

    async countByPepper(current) {
      const others = (await peppersInUse()).filter((id) => id !== current);
      const counted: [string, number][] = [];
      for (const id of others) counted.push([id, await patiently(() => User.countDocuments({ pepperId: id }))]);
      // Counting almost everybody would read as many entries of the index; the total is known to the database.
      const total = await patiently(() => User.estimatedDocumentCount());
      const older = counted.reduce((sum, [, count]) => sum + count, 0);
      return new Map([...counted, [current, Math.max(0, total - older)]]);
    },
  };
}
