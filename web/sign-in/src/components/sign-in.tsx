import { Heading } from '@authstack/page/heading.tsx';
import { useState } from 'react';
import type { ReactElement } from 'react';
import type { Api } from '../api.ts';
import type { PageSettings } from '../page-settings.ts';
import type { User } from '../replies.ts';
import { hashes } from '../route.ts';
import type { Form } from '../session.ts';
import { CredentialsForm } from './credentials-form.tsx';

interface SignInProps {
  readonly api: Api;
  readonly settings: PageSettings;
  readonly form: Form;
  readonly onSignedIn: (user: User, by: Form) => void;
  readonly takesFocus: boolean;
}

const names: Readonly<Record<Form, string>> = { signIn: 'Sign in', signUp: 'Sign up' };
/** What leads from each form to the other. */
const others: Readonly<Record<Form, { readonly form: Form; readonly question: string }>> = {
  signIn: { form: 'signUp', question: 'No account yet?' },
  signUp: { form: 'signIn', question: 'Already have an account?' },
};

export function SignIn({ api, settings, form, onSignedIn, takesFocus }: SignInProps): ReactElement {
  // An address typed into one form need not be typed again into the other.
  const [email, setEmail] = useState('');
  const other = others[form];
  return (
    <section className="card" aria-labelledby="form-heading">
      <Heading key={`heading ${form}`} id="form-heading" text={names[form]} takesFocus={takesFocus} />
      <CredentialsForm
        key={`form ${form}`}
        name={names[form]}
        newPassword={form === 'signUp'}
        settings={settings}
        email={email}
        onEmail={setEmail}
        submit={form === 'signUp' ? api.signUp : api.signIn}
        onDone={(user) => {
          onSignedIn(user, form);
        }}
      />
      <p className="other-form">
        {other.question} <a href={hashes[other.form]}>{names[other.form]}</a>
      </p>
    </section>
  );
}
