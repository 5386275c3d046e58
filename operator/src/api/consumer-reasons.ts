import { runtime, specInvalid } from './reason-rows.ts';
import type { Reasons } from './reason-rows.ts';

export const consumerReasons = {
  Accepted: {
    Accepted: { status: 'True', seen: 'The stack allows the namespace, and the audience is one of its own.' },
    StackNotFound: {
      status: 'False',
      seen: 'There is no such AuthStack. A Secret that was written before stays.',
      do: 'Create it, or correct `spec.stackRef`.',
      noticed: ['AuthStack', 'AuthConsumer'],
    },
    StackNotWatched: {
      status: 'Unknown',
      seen: 'The operator does not watch the namespace of `spec.stackRef`.',
      do: "Add it to the chart's `watchNamespaces`, or correct `spec.stackRef`.",
    },
    StackInvalid: {
      status: 'Unknown',
      seen: 'The AuthStack does not fit the schema. The Secret stays as it is.',
      do: "Ask the stack's owner.",
      noticed: ['AuthStack'],
    },
    SpecInvalid: specInvalid,
    NamespaceUnknown: {
      status: 'Unknown',
      seen: 'The operator has not read the labels of the namespace yet.',
    },
    NamespaceNotAllowed: {
      status: 'False',
      seen: "The stack's `consumers.allowedNamespaces` does not include the namespace.",
      do: "Ask the stack's owner, or label the namespace.",
      noticed: ['AuthStack', 'Namespace'],
    },
    AudienceNotAllowed: {
      status: 'False',
      seen: "`spec.audience` is none of the stack's audiences.",
      do: 'Set one of those in the message.',
      noticed: ['AuthStack', 'AuthConsumer'],
    },
    SecretNotOwned: {
      status: 'False',
      seen: 'A Secret of that name exists and does not belong to the AuthConsumer.',
      do: 'Set another `spec.secretName`, or remove the Secret.',
    },
    SecretInUse: {
      status: 'False',
      seen: 'The Secret of that name belongs to another AuthConsumer.',
      do: 'Set another `spec.secretName`.',
      noticed: ['Secret', 'AuthConsumer'],
    },
    ServiceAccountNotFound: {
      status: 'False',
      seen: 'There is no ServiceAccount of the name in `spec.identity`, so the auth service refuses the consumer. The Secret is kept current all the same.',
      do: 'Create it, or correct `spec.identity`.',
      noticed: ['ServiceAccount', 'AuthConsumer'],
    },
    ClusterKeysForbidden: {
      status: 'False',
      seen: "The operator may not read who signs the cluster's ServiceAccount tokens, so the auth service accepts none. The Secret is kept current all the same.",
      do: 'Grant the right in the message, or leave out `spec.identity`.',
      noticed: 'retry',
    },
    ClusterKeysUnreadable: {
      status: 'Unknown',
      seen: "The API server does not tell who signs the cluster's ServiceAccount tokens. The message has its own words. The Secret is kept current all the same.",
      do: 'What the message says; the operator reads again every minute.',
      noticed: 'retry',
    },
    Terminating: {
      status: 'False',
      seen: 'The AuthConsumer is Terminating; its Secret is removed, and the stack no longer counts it.',
      do: 'Remove the finalizer that the message names, if it stays.',
      noticed: ['AuthConsumer'],
    },
    ...runtime,
  },
  InSync: {
    InSync: { status: 'True', seen: 'The Secret holds the current keys.' },
    Writing: { status: 'False', seen: 'The operator writes the Secret.' },
    WriteRefused: {
      status: 'False',
      seen: 'The API server refuses the Secret. The message has its own words.',
      do: 'What the message says.',
    },
    WaitingForKeys: { status: 'False', seen: 'The stack has published no keys yet.' },
    WaitingForCredential: {
      status: 'False',
      seen: 'The stack has not recorded the client secret yet, which the Secret is made with.',
      do: 'If it stays so, the `kubectl describe` in the message.',
      noticed: ['Secret'],
    },
    StackNotFound: {
      status: 'Unknown',
      seen: 'There is no such AuthStack, so nobody knows whether the Secret is current.',
      do: 'Create it, or correct `spec.stackRef`.',
      noticed: ['AuthStack', 'AuthConsumer'],
    },
    StackNotWatched: { status: 'Unknown', seen: 'See `Accepted`.' },
    StackInvalid: { status: 'Unknown', seen: 'See `Accepted`.' },
    NamespaceUnknown: { status: 'Unknown', seen: 'See `Accepted`.' },
    SpecInvalid: { ...specInvalid, status: ['Unknown', 'False'] },
    StackSuspended: {
      status: 'Unknown',
      seen: 'The Secret needs a write, and `spec.suspend` of the stack is true.',
      do: "Nothing, or ask the stack's owner.",
      noticed: ['AuthStack'],
    },
    NotAccepted: { status: 'False', seen: 'See `Accepted`.' },
    Terminating: { status: 'False', seen: 'The AuthConsumer is Terminating.' },
    ...runtime,
  },
} as const satisfies Readonly<Record<string, Reasons>>;
