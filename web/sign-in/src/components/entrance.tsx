import { useState } from 'react';
import type { ReactElement } from 'react';
import type { Api } from '../api.ts';
import type { User } from '../replies.ts';
import { hashes } from '../route.ts';
import type { Route } from '../route.ts';
import { CredentialsForm } from './credentials-form.tsx';
import { Heading } from './heading.tsx';

interface EntranceProps {
  readonly api: Api;
  readonly route: Route;
  readonly onEntered: (user: User, by: Route) => void;
  readonly takesFocus: boolean;
}

const names: Readonly<Record<Route, string>> = { signIn: 'Sign in', signUp: 'Sign up' };
const routes = ['signIn', 'signUp'] as const;

export function Entrance({ api, route, onEntered, takesFocus }: EntranceProps): ReactElement {
  // An address typed into one form is not to be typed again into the other.
  const [email, setEmail] = useState('');
  return (
    <section className="card visitor" aria-labelledby="entrance-heading">
      <nav className="tabs" aria-label="Sign in or sign up">
        {routes.map((each) => (
          <a key={each} href={hashes[each]} aria-current={each === route ? 'page' : undefined}>
            {names[each]}
          </a>
        ))}
      </nav>
      <Heading id="entrance-heading" text={names[route]} takesFocus={takesFocus} />
      <CredentialsForm
        key={route}
        name={names[route]}
        newPassword={route === 'signUp'}
        email={email}
        onEmail={setEmail}
        submit={route === 'signUp' ? api.signUp : api.signIn}
        onDone={(user) => {
          onEntered(user, route);
        }}
      />
    </section>
  );
}
