import { dayText } from '@authstack/page/day.ts';
import { Heading } from '@authstack/page/heading.tsx';
import type { Problem } from '@authstack/page/problem.ts';
import type { ReactElement } from 'react';
import { emailText } from '../email-text.ts';
import type { User } from '../replies.ts';
import { rolesText } from '../roles.ts';
import { Action } from './action.tsx';

interface AccountProps {
  readonly user: User;
  readonly onSignOut: () => Promise<Problem | undefined>;
  readonly returnTo: string | undefined;
  readonly takesFocus: boolean;
}

export function Account({ user, onSignOut, returnTo, takesFocus }: AccountProps): ReactElement {
  const role = rolesText(user.roles);
  return (
    <section className="card" aria-labelledby="account-heading">
      <Heading id="account-heading" text="Your account" takesFocus={takesFocus} />
      <dl className="facts">
        <div>
          <dt>Email</dt>
          <dd>{emailText(user.email)}</dd>
        </div>
        {role !== undefined && (
          <div>
            <dt>Role</dt>
            <dd>{role}</dd>
          </div>
        )}
        <div>
          <dt>Member since</dt>
          <dd>
            <time dateTime={user.createdAt}>{dayText(user.createdAt)}</time>
          </dd>
        </div>
      </dl>
      <div className="ways">
        {returnTo !== undefined && (
          <a className="button primary wide" href={returnTo}>
            Continue
          </a>
        )}
        <Action name="Sign out" className="secondary wide" act={onSignOut} />
      </div>
    </section>
  );
}
