import { dayText } from '@authstack/page/day.ts';
import { Heading } from '@authstack/page/heading.tsx';
import type { Problem } from '@authstack/page/problem.ts';
import { useState } from 'react';
import type { ReactElement } from 'react';
import { messageFor } from '../messages.ts';
import type { User } from '../replies.ts';

interface AccountProps {
  readonly user: User;
  readonly onSignOut: () => Promise<Problem | undefined>;
  readonly returnTo: string | undefined;
  readonly takesFocus: boolean;
}

export function Account({ user, onSignOut, returnTo, takesFocus }: AccountProps): ReactElement {
  return (
    <section className="card" aria-labelledby="account-heading">
      <Heading id="account-heading" text="Your account" takesFocus={takesFocus} />
      <dl className="facts">
        <div>
          <dt>Email</dt>
          <dd>{user.email}</dd>
        </div>
        <div>
          <dt>Roles</dt>
          <dd>
            {user.roles.map((role) => (
              <span key={role} className="badge">
                {role}
              </span>
            ))}
          </dd>
        </div>
        <div>
          <dt>Member since</dt>
          <dd>
            <time dateTime={user.createdAt}>{dayText(user.createdAt)}</time>
          </dd>
        </div>
      </dl>
      {returnTo !== undefined && (
        <a className="button primary wide" href={returnTo}>
          Continue
        </a>
      )}
      <SignOut onSignOut={onSignOut} />
    </section>
  );
}

type SignOutState =
  { readonly state: 'idle' } | { readonly state: 'sending' } | { readonly state: 'failed'; readonly problem: Problem };

function SignOut({ onSignOut }: Pick<AccountProps, 'onSignOut'>): ReactElement {
  const [current, setCurrent] = useState<SignOutState>({ state: 'idle' });
  const isSending = current.state === 'sending';

  async function signOut(): Promise<void> {
    if (isSending) return;
    setCurrent({ state: 'sending' });
    const problem = await onSignOut();
    if (problem) setCurrent({ state: 'failed', problem });
  }

  return (
    <>
      {current.state === 'failed' && (
        <p className="alert" role="alert">
          {messageFor(current.problem)}
        </p>
      )}
      <button
        type="button"
        className="secondary wide"
        aria-disabled={isSending}
        onClick={() => {
          void signOut();
        }}
      >
        Sign out
      </button>
    </>
  );
}
