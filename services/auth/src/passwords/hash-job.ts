/** What a hashing thread is asked for; the two sides share no memory. */
export type HashJob =
  | { readonly type: 'hash'; readonly password: string; readonly pepper: Uint8Array }
  | {
      readonly type: 'verify';
      /** PHC string. */
      readonly phc: string;
      readonly password: string;
      readonly pepper: Uint8Array;
      /** Where the password is right, hash it with this pepper, too. */
      readonly renewWith?: Uint8Array | undefined;
    };

export interface HashResult {
  /** A password to verify is right. */
  readonly isEqual: boolean;
  /** PHC string, where one was made. */
  readonly phc?: string | undefined;
}

export type HashReply =
  | { readonly type: 'done'; readonly result: HashResult }
  /** The message of the library, which repeats neither password nor pepper. */
  | { readonly type: 'failed'; readonly message: string };
