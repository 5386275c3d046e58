import { useState } from 'react';
import type { ReactElement } from 'react';
import { dayText } from '../format.ts';
import { messageFor } from '../messages.ts';
import type { Problem } from '../problem.ts';
import type { User } from '../replies.ts';
import { Heading } from './heading.tsx';

interface AccountProps {
  readonly user: User;
  readonly onSignOut: () => Promise<Problem | undefined>;
  readonly takesFocus: boolean;
}

type Leaving =
  { readonly state: 'no' } | { readonly state: 'leaving' } | { readonly state: 'refused'; readonly problem: Problem };

export function Account({ user, onSignOut, takesFocus }: AccountProps): ReactElement {
  const [leaving, setLeaving] = useState<Leaving>({ state: 'no' });

  async function leave(): Promise<void> {
    if (leaving.state === 'leaving') return;
    setLeaving({ state: 'leaving' });
    const problem = await onSignOut();
    if (problem) setLeaving({ state: 'refused', problem });
  }

  return (
    <section className="card visitor" aria-labelledby="account-heading">
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
      {leaving.state === 'refused' && (
        <p className="alert" role="alert">
          {messageFor(leaving.problem)}
        </p>
      )}
      <button
        type="button"
        className="secondary wide"
        aria-disabled={leaving.state === 'leaving'}
        onClick={() => {
          void leave();
        }}
      >
        Sign out
      </button>
    </section>
  );
}
