import { Heading } from '@authstack/page/heading.tsx';
import { useState } from 'react';
import type { ReactElement } from 'react';
import type { Api } from '../api.ts';
import type { User } from '../replies.ts';
import { hashes } from '../route.ts';
import type { Form } from '../session.ts';
import { CredentialsForm } from './credentials-form.tsx';

interface SignInProps {
  readonly api: Api;
  readonly form: Form;
  readonly onSignedIn: (user: User, by: Form) => void;
  readonly takesFocus: boolean;
}

const names: Readonly<Record<Form, string>> = { signIn: 'Sign in', signUp: 'Sign up' };
const forms = ['signIn', 'signUp'] as const;

export function SignIn({ api, form, onSignedIn, takesFocus }: SignInProps): ReactElement {
  // An address typed into one form need not be typed again into the other.
  const [email, setEmail] = useState('');
  return (
    <section className="card" aria-labelledby="form-heading">
      <nav className="tabs" aria-label="Sign in or sign up">
        {forms.map((each) => (
          <a key={each} href={hashes[each]} aria-current={each === form ? 'page' : undefined}>
            {names[each]}
          </a>
        ))}
      </nav>
      <Heading id="form-heading" text={names[form]} takesFocus={takesFocus} />
      <CredentialsForm
        key={form}
        name={names[form]}
        newPassword={form === 'signUp'}
        email={email}
        onEmail={setEmail}
        submit={form === 'signUp' ? api.signUp : api.signIn}
        onDone={(user) => {
          onSignedIn(user, form);
        }}
      />
    </section>
  );
}
