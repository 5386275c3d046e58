import { authConsumerKind } from '../../operator/src/api/auth-consumer.ts';
import { authStackKind } from '../../operator/src/api/auth-stack.ts';
import { ownKinds } from '../../operator/src/operator.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import { canonical } from '../../operator/src/runtime/json.ts';
import type { Kind, KubernetesObject } from '../../operator/src/runtime/objects.ts';
import { collectionPath } from '../../operator/src/runtime/paths.ts';

/** A kind that the operator comes to make is compared as soon as it watches it. */
const kinds: readonly Kind[] = [authStackKind, authConsumerKind, ...ownKinds];

/** All objects of some namespaces, without what depends on chance and time: a line for each object. */
export type State = readonly string[];

interface Read {
  readonly client: ApiClient;
  /** In which namespaces, with the placeholder of each in the state. */
  readonly namespaces: Readonly<Record<string, string>>;
  /** The part of each object that is compared; default: all. */
  readonly as?: (object: KubernetesObject) => KubernetesObject;
}

export async function readState({ client, namespaces, as = (object) => object }: Read): Promise<State> {
  const lines: string[] = [];
  for (const namespace of Object.keys(namespaces)) {
    for (const kind of kinds) {
      const path = collectionPath(kind, namespace);
      const { items } = await client.send<{ items: KubernetesObject[] }>({
        method: 'GET',
        path,
        signal: AbortSignal.timeout(10_000),
      });
      lines.push(...items.map((item) => line(kind.kind, as({ ...item, kind: kind.kind }), namespaces)));
    }
  }
  return lines.sort();
}

/** What one state has and the other lacks, to be read. */
export function difference(seen: State, wanted: State): readonly string[] {
  const without = (a: State, b: State): string[] => {
    const rest = [...b];
    return a.filter((one) => {
      const place = rest.indexOf(one);
      if (place >= 0) rest.splice(place, 1);
      return place < 0;
    });
  };
  return [...without(seen, wanted).map((one) => `+ ${one}`), ...without(wanted, seen).map((one) => `- ${one}`)];
}

function line(kind: string, object: KubernetesObject, namespaces: Read['namespaces']): string {
  const { generation } = object.metadata;
  const text = canonical(facts(kind, object));
  const plain = Object.entries(namespaces).reduce((all, [name, word]) => all.replaceAll(name, word), text);
  return `${kind} ${withPlaceholders(plain.replaceAll(`"observedGeneration":${generation ?? 0}`, '"observedGeneration":"<current>"'))}`;
}

type Facts = Readonly<Record<string, unknown>>;

function facts(kind: string, object: KubernetesObject): unknown {
  const { metadata, status = {}, ...rest } = object as KubernetesObject & { readonly status?: Facts };
  const { name, namespace, labels, annotations, finalizers, ownerReferences, deletionTimestamp } = metadata;
  const kept = {
    namespace,
    labels,
    annotations: withoutRevision(annotations),
    finalizers,
    ownerReferences,
    deletionTimestamp,
  };
  switch (kind) {
    case 'Pod': {
      // The names of pods of a Deployment are made up, and so are addresses.
      const isMember = labels?.['app.kubernetes.io/component'] === 'mongodb';
      const { phase, conditions } = status;
      return {
        name: isMember ? name : undefined,
        namespace,
        labels: labels?.['app.kubernetes.io/component'],
        phase,
        conditions,
      };
    }
    case 'Secret':
      return {
        name,
        ...kept,
        type: (rest as Facts)['type'],
        data: shapes((rest as Facts)['data'] as Record<string, string>),
      };
    case 'Service': {
      const { clusterIP, clusterIPs: _ips, ...spec } = (rest as unknown as { spec: Facts }).spec;
      return { name, ...kept, spec: { ...spec, headless: clusterIP === 'None' } };
    }
    case 'StatefulSet':
    case 'Deployment': {
      const { replicas, readyReplicas, availableReplicas } = status;
      return { name, ...kept, spec: (rest as Facts)['spec'], status: { replicas, readyReplicas, availableReplicas } };
    }
    case 'PodDisruptionBudget':
      return { name, ...kept, spec: (rest as Facts)['spec'] };
    default:
      return { name, ...kept, ...rest, status };
  }
}

function withoutRevision(annotations: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const own = Object.entries(annotations).filter(([key]) => key.startsWith('authstack.dev/'));
  return Object.fromEntries(own.map(([key, value]) => [key, key.endsWith('applied-hash') ? '<hash>' : value]));
}

/** JSON as it is read, so that its parts can be reported apart; everything else as one text. */
function shapes(data: Readonly<Record<string, string>> = {}): Facts {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => {
      const text = Buffer.from(value, 'base64').toString('utf8');
      return [key, parsed(text)];
    }),
  );
}

function parsed(text: string): unknown {
  try {
    return /^[[{]/.test(text) ? JSON.parse(text) : text;
  } catch {
    return text;
  }
}

/** Placeholders for what depends on chance and time, by what it looks like; lag depends on the moment, the primary on elections. */
const placeholders: readonly [RegExp, string][] = [
  [/-----BEGIN ([A-Z ]+)-----.*?-----END [A-Z ]+-----(\\n)?/g, '<$1>'],
  [/"optimeLagSeconds":\d+,?/g, ''],
  [/"primary":"[^"]+"/g, '"primary":"<member>"'],
  [/[a-z0-9-]+ is primary\b/g, '<member> is primary'],
  [/"state":"(PRIMARY|SECONDARY)"/g, '"state":"<serves>"'],
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
  [/\b\d{13}(\.\d+)?\b/g, '<millis>'],
  [/\b(root|auth)@[0-9a-f]{16}\b/g, '$1@<fingerprint>'],
  [/\b[0-9a-f]{24,}\b/g, '<hex>'],
  [/[A-Za-z0-9_+/-]{40,}={0,2}/g, '<random>'],
];

function withPlaceholders(text: string): string {
  return placeholders.reduce((all, [pattern, word]) => all.replace(pattern, word), text);
}
