import type { AuthStack } from '../api/auth-stack.ts';
import { FIELD_MANAGER, MANAGED_BY_LABEL, STACK_LABEL, labelsOf, namespaceOf } from '../api/names.ts';
import type { Component } from '../api/names.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Millis } from '../runtime/objects.ts';

/*
 * Every Secret of a stack is read and written here, each by one file:
 *
 *   Secret ──► readStored ──► absent | foreign | malformed | value ──► plans
 *   plans ──► a value ──► createStored, replaceStored ──► KubernetesAction
 *
 * A value is written only if reading it gives the same value back, so nothing that cannot be read is ever stored.
 */

/** A stack as far as its Secrets need it: an action names its stack and does not carry it. */
export type StackName = Pick<AuthStack, 'metadata'>;

/** What is in one Secret, by the names of its keys. */
export type Texts = Readonly<Record<string, string>>;

/** How one Secret of a stack is called, read and written. */
export interface StoredSecret<Value> {
  readonly component: Component;
  /** Absent: Opaque. A Secret keeps the type that it was created with. */
  readonly type?: 'kubernetes.io/tls';
  nameOf(stackName: string): string;
  /** Why a text cannot be read never repeats the text. */
  decode(texts: Texts): { readonly value: Value } | { readonly why: string };
  encode(value: Value): Texts;
}

/** A Secret of a stack as it was observed. */
export type Seen<Value> =
  | { readonly state: 'absent' }
  /** A Secret of that name that lacks the stack's labels. */
  | { readonly state: 'foreign' }
  | { readonly state: 'malformed'; readonly why: string }
  | ({ readonly state: 'value'; readonly value: Value } & StoredVersion);

export interface StoredVersion {
  /** A change is bound to exactly this version. */
  readonly resourceVersion: string;
  readonly createdAt: Millis;
}

export function readStored<Value>(
  kind: StoredSecret<Value>,
  stack: StackName,
  secret: Secret | undefined,
): Seen<Value> {
  if (!secret) return { state: 'absent' };
  if (!belongsTo(stack, secret)) return { state: 'foreign' };
  const decoded = kind.decode(textsIn(secret));
  if ('why' in decoded) return { state: 'malformed', why: decoded.why };
  const { resourceVersion = '', creationTimestamp = '' } = secret.metadata;
  return { state: 'value', value: decoded.value, resourceVersion, createdAt: Date.parse(creationTimestamp) };
}

/** Both labels: the one that the watch selects by, and the one that names the stack. */
export function belongsTo(stack: StackName, { metadata: { labels } }: Pick<Secret, 'metadata'>): boolean {
  return labels?.[MANAGED_BY_LABEL] === FIELD_MANAGER && labels[STACK_LABEL] === stack.metadata.name;
}

/** For people: what a foreign Secret is, and both ways on. */
export function foreignSecret(stack: StackName, name: string): string {
  const kubectl = `kubectl -n ${namespaceOf(stack)}`;
  return (
    `Secret ${name} exists without the labels of this stack, so the operator leaves it alone. If it belongs to the stack: ` +
    `${kubectl} label --overwrite secret ${name} ${MANAGED_BY_LABEL}=${FIELD_MANAGER} ${STACK_LABEL}=${stack.metadata.name}. ` +
    `If not, rename or delete it: ${kubectl} get secret ${name} --show-labels`
  );
}

/** Create-only: a Secret of that name is left exactly as it is. */
export function createStored<Value>(kind: StoredSecret<Value>, stack: StackName, value: Value): KubernetesAction {
  return { type: 'create', kind: secretKind, object: secretOf(kind, stack, value) };
}

/** Replaces exactly the version that the decision was made on. */
export function replaceStored<Value>(
  kind: StoredSecret<Value>,
  stack: StackName,
  { value, resourceVersion }: { readonly value: Value; readonly resourceVersion: string },
): KubernetesAction {
  const secret = secretOf(kind, stack, value);
  return {
    type: 'replace',
    kind: secretKind,
    object: { ...secret, metadata: { ...secret.metadata, resourceVersion } },
  };
}

/** The Secret that holds the value. Throws a TypeError where reading it would not give the value back. */
export function secretOf<Value>(kind: StoredSecret<Value>, stack: StackName, value: Value): Secret {
  const name = kind.nameOf(stack.metadata.name);
  const texts = kind.encode(value);
  const decoded = kind.decode(texts);
  if ('why' in decoded) throw new TypeError(`write Secret ${name}: ${decoded.why}`);
  if (!sameTexts(kind.encode(decoded.value), texts)) throw new TypeError(`write Secret ${name}: it reads differently`);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: namespaceOf(stack), labels: labelsOf(stack, kind.component) },
    type: kind.type ?? 'Opaque',
    data: Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, encodeText(text)])),
  };
}

/** Every entry of a Secret as text. */
export function textsIn({ data = {} }: Pick<Secret, 'data'>): Texts {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, decodeText(value)]));
}

export function encodeText(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function decodeText(value: string): string {
  return Buffer.from(value, 'base64').toString('utf8');
}

function sameTexts(one: Texts, other: Texts): boolean {
  const sorted = (texts: Texts): string => JSON.stringify(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
  return sorted(one) === sorted(other);
}
