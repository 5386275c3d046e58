import type { Result } from '@authstack/page/problem.ts';
import { useEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';
import type { Credentials } from '../api.ts';
import { credentialFields, formErrorsOf, missingFields } from '../credentials.ts';
import type { FormErrors } from '../credentials.ts';
import type { User } from '../replies.ts';
import { Field } from './field.tsx';

interface CredentialsFormProps {
  /** The form's heading and its button. */
  readonly name: string;
  readonly newPassword: boolean;
  readonly email: string;
  readonly onEmail: (email: string) => void;
  readonly submit: (credentials: Credentials) => Promise<Result<User>>;
  readonly onDone: (user: User) => void;
}

type Submission =
  | { readonly state: 'idle' }
  | { readonly state: 'sending' }
  | { readonly state: 'refused'; readonly errors: FormErrors };

export function CredentialsForm(props: CredentialsFormProps): ReactElement {
  const { name, newPassword, email, onEmail } = props;
  const [password, setPassword] = useState('');
  const [submission, setSubmission] = useState<Submission>({ state: 'idle' });
  const form = useRef<HTMLFormElement>(null);
  const errors: FormErrors = submission.state === 'refused' ? submission.errors : { fields: {} };
  const isSending = submission.state === 'sending';

  useEffect(() => {
    if (submission.state === 'refused' && form.current) focusFirstInvalid(form.current, submission.errors);
  }, [submission]);

  async function send(): Promise<void> {
    if (isSending) return;
    const credentials = { email, password };
    const missing = missingFields(credentials);
    if (missing) {
      setSubmission({ state: 'refused', errors: formErrorsOf(missing) });
      return;
    }
    setSubmission({ state: 'sending' });
    const answer = await props.submit(credentials);
    if (answer.ok) props.onDone(answer.value);
    else setSubmission({ state: 'refused', errors: formErrorsOf(answer.problem) });
  }

  return (
    <form
      ref={form}
      noValidate
      aria-labelledby="form-heading"
      aria-busy={isSending}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Field
        name="email"
        label="Email"
        value={email}
        onChange={onEmail}
        autoComplete="email"
        error={errors.fields.email}
      />
      <Field
        name="password"
        label="Password"
        value={password}
        onChange={setPassword}
        autoComplete={newPassword ? 'new-password' : 'current-password'}
        error={errors.fields.password}
        {...(newPassword && { hint: 'Use a long phrase that you use nowhere else.' })}
      />
      {errors.form !== undefined && (
        <p className="alert" role="alert">
          {errors.form}
        </p>
      )}
      <button type="submit" className="primary wide" aria-disabled={isSending}>
        {name}
      </button>
    </form>
  );
}

function focusFirstInvalid(form: HTMLFormElement, { fields }: FormErrors): void {
  const first = credentialFields.find((field) => fields[field] !== undefined);
  if (first === undefined) return;
  const input = form.elements.namedItem(first);
  if (input instanceof HTMLElement) input.focus();
}
