import { mongo, Schema } from 'mongoose';
import type { Connection, HydratedDocument, Model } from 'mongoose';
import { authContract } from '../api.ts';
import type { UsersMarker } from '../api.ts';
import type { Link } from '../mongo/link.ts';
import { pepperIdOf } from '../passwords/passwords.ts';
import type { PasswordHash } from '../passwords/passwords.ts';
import type { Email } from './email.ts';
import { EmailTaken } from './errors.ts';
import { roles } from './user.ts';
import type { Role, User, UserAttrs, UserId, UserStore } from './user.ts';
import { passwordsOf } from './user-passwords.mongo.ts';
import { createUsersMarker } from './users-marker.mongo.ts';

/** What a stored user consists of. */
export interface UserFields {
  email: Email;
  password: PasswordHash;
  /** Of the password; absent in a user that an older version wrote. */
  pepperId: string;
  roles: Role[];
  banned: boolean;
  disabled: boolean;
  ver: number;
  sessionsFrom: number;
  createdAt: Date;
  updatedAt: Date;
}

export type UserDocument = HydratedDocument<UserFields, { readonly id: string }>;

/** No property but those of UserAttrs, not even by way of a variable. */
type Exactly<Given, Wanted> = Given & Record<Exclude<keyof Given, keyof Wanted>, never>;

export interface UserModel extends Model<UserFields> {
  build<Given extends UserAttrs>(attrs: Exactly<Given, UserAttrs>): UserDocument;
}

const schema = new Schema<UserFields, UserModel>(
  {
    email: { type: String, required: true },
    password: { type: String, required: true, select: false },
    pepperId: { type: String, required: true, select: false },
    roles: { type: [{ type: String, enum: roles }], required: true },
    banned: { type: Boolean, required: true, default: false },
    disabled: { type: Boolean, required: true, default: false },
    ver: { type: Number, required: true, default: 1 },
    sessionsFrom: { type: Number, required: true, default: 1 },
  },
  {
    collection: authContract.usersCollection,
    strict: 'throw',
    strictQuery: 'throw',
    timestamps: true,
    versionKey: false,
    statics: {
      build(attrs: UserAttrs) {
        return new this({ ...attrs, pepperId: pepperIdOf(attrs.password), roles: [...attrs.roles] });
      },
    },
  },
);
schema.index({ email: 1 }, { unique: true });
schema.index({ pepperId: 1 });

export function userModel(connection: Connection): UserModel {
  return connection.model<UserFields, UserModel>('User', schema);
}

/** Made before the user is, it tells the user of one request from that of another. */
export function newUserId(): UserId {
  return new mongo.ObjectId().toHexString();
}

const DUPLICATE_KEY = 11_000;

export function createUserStore(link: Link): UserStore & { prepare(): Promise<void> } {
  const { run, patiently, transaction } = link;
  const User = userModel(link.connection);
  const users = link.reads<UserFields>(authContract.usersCollection);
  const marker = createUsersMarker(link);

  /** In a database of a version that wrote no marker. */
  async function markUsersThatExist(): Promise<void> {
    const first = await User.findOne().sort({ _id: 1 }).select('+password').lean();
    if (first) await marker.put(markerOf(first));
  }

  return {
    ...passwordsOf(link, User.modelName),

    prepare: () =>
      patiently(async () => {
        await User.createIndexes();
        await marker.prepare();
        await markUsersThatExist();
      }),

    find: (id) =>
      run(async () => {
        const found = await User.findById(id).lean();
        return found ? asUser(found) : undefined;
      }),

    findForSignIn: (email) =>
      run(async () => {
        const found = await users.one({ email });
        return found ? { user: asUser(found), password: found.password } : undefined;
      }),

    async add(attrs, id = newUserId()) {
      const wanted = User.build(attrs).set({ _id: id });
      await wanted.validate();
      const { _id, ...fields } = wanted.toObject();
      try {
        return await transaction(async () => {
          const user = await User.findOneAndUpdate(
            { _id },
            { $setOnInsert: fields },
            { upsert: true, returnDocument: 'after' },
          ).lean();
          await marker.put(markerOf({ password: fields.password, createdAt: user.createdAt }));
          return asUser(user);
        });
      } catch (error) {
        throw isDuplicate(error) ? new EmailTaken() : error;
      }
    },

    endEverything: (id) =>
      run(async () => {
        const raised = { $add: ['$ver', 1] };
        const pipeline = [{ $set: { ver: raised, sessionsFrom: raised, updatedAt: '$$NOW' } }];
        await User.updateOne({ _id: id }, pipeline, { updatePipeline: true, timestamps: false });
      }),

    hasAdmin: () => run(async () => (await User.exists({ roles: 'admin' })) !== null),

    async putAdmin({ email, password, roles: wanted }) {
      await transaction(async () => {
        const admin = await User.findOneAndUpdate(
          { email },
          {
            $set: { password, pepperId: pepperIdOf(password), roles: [...wanted], banned: false, disabled: false },
            $inc: { ver: 1, sessionsFrom: 1 },
          },
          { upsert: true, setDefaultsOnInsert: true, returnDocument: 'after' },
        ).lean();
        await marker.put(markerOf({ password, createdAt: admin.createdAt }));
      });
    },
  };
}

function markerOf({ password, createdAt }: Pick<UserFields, 'password' | 'createdAt'>): Omit<UsersMarker, '_id'> {
  return { since: createdAt, pepperId: pepperIdOf(password) };
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === DUPLICATE_KEY;
}

export type StoredUser = Omit<UserFields, 'password' | 'pepperId'> & { readonly _id: { toString(): string } };

export function asUser({ _id, email, roles, banned, disabled, ver, sessionsFrom, createdAt }: StoredUser): User {
  return { id: _id.toString(), email, roles: [...roles], banned, disabled, ver, sessionsFrom, createdAt };
}
