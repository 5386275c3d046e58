import { Refusal } from '../errors.ts';

export function volumeMismatch(marked: string | undefined, asked: string): Refusal {
  const seen = marked === undefined ? 'has no claim yet' : `was released for claim ${marked}`;
  return new Refusal(
    'VOLUME_MISMATCH',
    `the volume ${seen}, the request names claim ${asked}; compare with: kubectl get pvc -o custom-columns=NAME:.metadata.name,UID:.metadata.uid`,
  );
}
