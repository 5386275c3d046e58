import { useEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';
import type { Credentials } from '../api.ts';
import { complaintsOf, credentialFields, missingFields } from '../credentials.ts';
import type { Complaints } from '../credentials.ts';
import type { Result } from '../problem.ts';
import type { User } from '../replies.ts';
import { Field } from './field.tsx';

interface CredentialsFormProps {
  /** Of the form's heading and of its button. */
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
  | { readonly state: 'refused'; readonly complaints: Complaints };

export function CredentialsForm(props: CredentialsFormProps): ReactElement {
  const { name, newPassword, email, onEmail } = props;
  const [password, setPassword] = useState('');
  const [submission, setSubmission] = useState<Submission>({ state: 'idle' });
  const form = useRef<HTMLFormElement>(null);
  const complaints: Complaints = submission.state === 'refused' ? submission.complaints : { fields: {} };
  const isSending = submission.state === 'sending';

  useEffect(() => {
    if (submission.state === 'refused' && form.current) focusFirstInvalid(form.current, submission.complaints);
  }, [submission]);

  async function send(): Promise<void> {
    if (isSending) return;
    const credentials = { email, password };
    const missing = missingFields(credentials);
    if (missing) {
      setSubmission({ state: 'refused', complaints: complaintsOf(missing) });
      return;
    }
    setSubmission({ state: 'sending' });
    const answer = await props.submit(credentials);
    if (answer.ok) props.onDone(answer.value);
    else setSubmission({ state: 'refused', complaints: complaintsOf(answer.problem) });
  }

  return (
    <form
      ref={form}
      noValidate
      aria-labelledby="entrance-heading"
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
        error={complaints.fields.email}
      />
      <Field
        name="password"
        label="Password"
        value={password}
        onChange={setPassword}
        autoComplete={newPassword ? 'new-password' : 'current-password'}
        error={complaints.fields.password}
        {...(newPassword && { hint: 'A long phrase that you use nowhere else.' })}
      />
      {complaints.form !== undefined && (
        <p className="alert" role="alert">
          {complaints.form}
        </p>
      )}
      <button type="submit" className="primary wide" aria-disabled={isSending}>
        {name}
      </button>
    </form>
  );
}

function focusFirstInvalid(form: HTMLFormElement, { fields }: Complaints): void {
  const first = credentialFields.find((field) => fields[field] !== undefined);
  if (first === undefined) return;
  const input = form.elements.namedItem(first);
  if (input instanceof HTMLElement) input.focus();
}
